//! A scripted broker: enough of NATS for a client to work with, controlled by a check.

mod operation;
mod request;
mod router;
mod state;

use std::os::unix::net::UnixStream;
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::actor::Actor;
use crate::address::Address;
use crate::context;
use crate::listener::Listener;
use crate::machine;
use crate::verdict::Verdict;

pub use operation::{Message, Operation};
pub use request::Request;
pub use state::Subscription;
use state::{INBOX, Manner, Order, Shared, State};

/// NATS's default.
const MAX_PAYLOAD: usize = 1 << 20;
/// How often a wait for what clients send is checked.
const LOOK: Duration = Duration::from_millis(20);

/// A broker that speaks enough of NATS's text protocol for a client to work with: `INFO`,
/// `CONNECT`, `PING`, `PONG`, `SUB` with queue groups and `UNSUB`, `PUB`, `HPUB`, `MSG`, `HMSG`
/// with 503 if there are no subscribers, `-ERR`, wildcards. No NATS server is needed.
///
/// It routes messages on its own thread, until the check tells it otherwise: to be silent, to drip,
/// to drop its clients, to refuse them, to shut down. The timeline has a lane for each client.
///
/// ```no_run
/// use scripted_peer::{Broker, Program};
///
/// let broker = Broker::start();
/// let workers = [1, 2].map(|_| Program::new("worker").args(["work", "group"]).connect_to(broker.address()));
/// broker.expect_subscribers("work", 2).now();
/// let request = broker.request("work", "hello");
/// request.expect("HELLO").now();
/// broker.fence().now(); // Everything that the clients had to send has arrived.
/// request.expect_answers(1).or_explain("Every worker replied. Subscribe with a queue group.", "");
/// # drop(workers);
/// ```
pub struct Broker {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    address: Address,
    actor: Actor,
}

impl Broker {
    /// A broker on a free port of 127.0.0.1.
    #[must_use]
    pub fn start() -> Self {
        Self::with_max_payload(MAX_PAYLOAD)
    }

    /// A broker whose `INFO` says that no payload may be longer than this. A client that sends a
    /// longer one is sent `-ERR 'Maximum Payload Violation'` and cut off.
    #[must_use]
    pub fn with_max_payload(most: usize) -> Self {
        let listener = Listener::on_address(&Address::Tcp(([127, 0, 0, 1], 0).into()));
        let actor = Actor::aside();
        let pair = UnixStream::pair().and_then(|(wake, woken)| {
            wake.set_nonblocking(true)?;
            woken.set_nonblocking(true)?;
            Ok((wake, woken))
        });
        let (wake, woken) = pair.unwrap_or_else(|error| {
            machine::no_verdict("a pair of sockets", &error.to_string(), machine::RESOURCES)
        });
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            wake,
        });
        let address = listener.address().clone();
        let router = router::Router::new(listener, most, Arc::clone(&shared), woken);
        let timeline = context::current();
        let run = move || {
            context::join(&timeline);
            router.run();
        };
        Self {
            shared,
            thread: Mutex::new(Some(context::spawn("a broker", run))),
            address,
            actor,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How long its verbs wait; 4 seconds by default.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.actor.patience = patience;
        self
    }

    /// How many connections it has accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.with(|state| state.living.len())
    }

    /// Everything that clients have sent so far, each with the client's number, counted from 0.
    #[must_use]
    pub fn operations(&self) -> Vec<(usize, Operation)> {
        self.shared.with(|state| state.operations.clone())
    }

    /// Waits until this many clients have sent `CONNECT`, counting those that are gone; returns the
    /// JSON that the last of them sent.
    pub fn expect_connects(&self, count: usize) -> Verdict<String> {
        let nth = |state: &mut State| {
            let mut said = state
                .operations
                .iter()
                .filter_map(|(_, operation)| match operation {
                    Operation::Connect(json) => Some(json.clone()),
                    _ => None,
                });
            said.nth(count.saturating_sub(1))
        };
        self.expect(&format!("CONNECT from {}", several(count, "client")), nth)
    }

    /// Waits until a client has subscribed to this subject, spelled exactly like this.
    pub fn expect_subscribed(&self, subject: &str) -> Verdict<Subscription> {
        let first = self.expect_subscribers(subject, 1);
        first.and(|all| Ok(all[0].clone()))
    }

    /// Waits until this many clients have subscribed to this subject, spelled exactly like this.
    pub fn expect_subscribers(&self, subject: &str, count: usize) -> Verdict<Vec<Subscription>> {
        let all = |state: &mut State| {
            let is = |one: &&Subscription| one.subject == subject;
            let all: Vec<_> = state.subscriptions.iter().filter(is).cloned().collect();
            (all.len() >= count).then_some(all)
        };
        self.expect(
            &format!("{} subscribed to {subject}", several(count, "client")),
            all,
        )
    }

    /// Waits until this subscription ends: by `UNSUB`, or with its connection.
    pub fn expect_unsubscribed(&self, subscription: &Subscription) -> Verdict {
        let is =
            |one: &Subscription| (one.client, &one.sid) == (subscription.client, &subscription.sid);
        let gone = |state: &mut State| (!state.subscriptions.iter().any(is)).then_some(());
        self.expect(&format!("UNSUB {}", subscription.sid), gone)
    }

    /// From now on the check itself is subscribed to this subject: messages to it wait for
    /// [`expect_message`](Self::expect_message), and no sender is told that there are no
    /// subscribers.
    pub fn listen_to(&self, subject: &str) -> &Self {
        self.actor
            .note(format!("the check subscribes to {subject}"));
        self.shared
            .with(|state| state.listened.push(subject.to_owned()));
        self
    }

    /// The next message to a subject that the check [is subscribed to](Self::listen_to).
    pub fn expect_message(&self, subject: &str) -> Verdict<Message> {
        let next = |state: &mut State| {
            let is = |one: &Message| operation::matches(subject, &one.subject);
            let at = state.kept.iter().position(is)?;
            Some(state.kept.remove(at))
        };
        self.expect(&format!("a message to {subject}"), next)
    }

    /// Publishes a message as another client would, without a reply subject: to each subscriber,
    /// and to one member of each group.
    pub fn publish(&self, subject: &str, payload: impl AsRef<[u8]>) -> &Self {
        self.tell(Order::Route(message(subject, None, payload.as_ref())))
    }

    /// The same, with headers: `NATS/1.0`, lines of names and values, and an empty line, each with
    /// its `\r\n`. A client that did not announce support for headers gets none.
    pub fn publish_with_headers(
        &self,
        subject: &str,
        headers: impl AsRef<[u8]>,
        payload: impl AsRef<[u8]>,
    ) -> &Self {
        let headers = headers.as_ref().to_vec();
        self.tell(Order::Route(Message {
            headers,
            ..message(subject, None, payload.as_ref())
        }))
    }

    /// Publishes a request as another client would. The result collects the replies.
    #[must_use]
    pub fn request(&self, subject: &str, payload: impl AsRef<[u8]>) -> Request<'_> {
        let request = self.new_request();
        let message = message(subject, Some(&request.inbox), payload.as_ref());
        self.tell(Order::Route(message));
        request
    }

    /// Sends a request to this subscription even if it has ended, or the broker is held: a request
    /// that was already under way.
    #[must_use]
    pub fn deliver(&self, to: &Subscription, payload: impl AsRef<[u8]>) -> Request<'_> {
        let request = self.new_request();
        let message = message(&to.subject, Some(&request.inbox), payload.as_ref());
        self.tell(Order::Deliver(to.client, to.sid.clone(), message));
        request
    }

    fn new_request(&self) -> Request<'_> {
        let number = self.shared.with(|state| {
            state.requests += 1;
            state.requests
        });
        Request {
            broker: self,
            inbox: format!("{INBOX}{number}"),
        }
    }

    /// From now on it reads and remembers, but sends nothing on its own: no `INFO`, no `PONG`, and
    /// no message is passed on until [`release`](Self::release).
    pub fn hold(&self) -> &Self {
        self.actor.note("the broker is silent from now on");
        self.tell(Order::Hold)
    }

    /// Sends, in one write to each client, what it would have sent meanwhile, and resumes normal
    /// operation.
    pub fn release(&self) -> &Self {
        self.actor.note("the broker goes on");
        self.tell(Order::Release)
    }

    /// From now on each byte is sent only after the client has read the previous one.
    pub fn drip(&self) -> &Self {
        self.tell(Order::Manner(Manner::Drip))
    }

    /// From now on it sends complete messages again.
    pub fn whole(&self) -> &Self {
        self.tell(Order::Manner(Manner::Whole))
    }

    /// Closes all connections; it keeps listening.
    pub fn drop_clients(&self) -> &Self {
        self.actor.note("the broker drops its clients");
        self.tell(Order::Drop)
    }

    /// Closes all connections, and refuses new ones until it [comes back](Self::come_back).
    pub fn go_away(&self) -> &Self {
        self.actor.note("the broker is gone");
        self.tell(Order::Listen(false)).tell(Order::Drop)
    }

    /// Listens again, on the same address, without any clients.
    pub fn come_back(&self) -> &Self {
        self.actor.note("the broker is back");
        self.tell(Order::Listen(true))
    }

    /// From now on a client that sends `CONNECT` is sent this error (`Authorization Violation`) and
    /// cut off.
    pub fn refuse(&self, error: &str) -> &Self {
        self.tell(Order::Refuse(Some(error.to_owned())))
    }

    /// Stops refusing clients.
    pub fn admit(&self) -> &Self {
        self.actor.note("the broker accepts connections again");
        self.tell(Order::Refuse(None))
    }

    /// From now on `INFO` says that no payload may be longer than this; the reply to a longer one
    /// is the same as [from the start](Self::with_max_payload).
    pub fn set_max_payload(&self, most: usize) -> &Self {
        self.actor
            .note(format!("max_payload is {most} from now on"));
        self.tell(Order::MaxPayload(most))
    }

    /// From now on it doesn't answer a `PING` with `PONG`, and otherwise works as before.
    pub fn ignore_pings(&self) -> &Self {
        self.actor.note("the broker answers no PING from now on");
        self.tell(Order::IgnorePings)
    }

    /// Sends all clients an error, such as `-ERR 'Slow Consumer'`. After an error that ends a
    /// connection, call [`drop_clients`](Self::drop_clients).
    pub fn error(&self, text: &str) -> &Self {
        self.tell(Order::Say(operation::error(text)))
    }

    /// Tells all clients that it is about to shut down (lame duck mode): an `INFO` with
    /// `"ldm":true`.
    pub fn leave_soon(&self) -> &Self {
        self.actor
            .note("the broker announces that it will shut down");
        self.tell(Order::Leave)
    }

    /// Sends these bytes to all clients, whatever they are.
    pub fn say(&self, bytes: impl AsRef<[u8]>) -> &Self {
        self.tell(Order::Say(bytes.as_ref().to_vec()))
    }

    /// Pings all clients, and each of them answers. Everything that they had published before has
    /// then arrived.
    pub fn fence(&self) -> Verdict {
        let (before, living) = self
            .shared
            .with(|state| (state.pongs.len(), state.living.clone()));
        self.tell(Order::Say(b"PING\r\n".to_vec()));
        let answered = |state: &mut State| {
            let ponged = &state.pongs[before..];
            let has = |(client, lives): (usize, &bool)| !lives || ponged.contains(&client);
            living.iter().enumerate().all(has).then_some(())
        };
        self.expect("PONG from each client", answered)
    }

    /// Waits for what clients send.
    fn expect<T>(&self, what: &str, mut look: impl FnMut(&mut State) -> Option<T>) -> Verdict<T> {
        let found = self.actor.wait(|until| self.look_until(until, &mut look));
        // A client that has ended may have sent it first.
        let found = found.or_else(|| {
            self.tell(Order::Nothing).tell(Order::Nothing);
            self.look_until(Instant::now(), &mut look)
        });
        let failure = || self.actor.missed(what);
        self.actor.verdict(found.ok_or_else(failure))
    }

    fn look_until<T>(
        &self,
        until: Instant,
        look: &mut impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        self.pass_on_its_failure();
        let mut state = self
            .shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        loop {
            let found = look(&mut state);
            let left = until.saturating_duration_since(Instant::now());
            if found.is_some() || left.is_zero() {
                return found;
            }
            let wait = self.shared.changed.wait_timeout(state, left.min(LOOK));
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Returns once the broker has carried out the order.
    fn tell(&self, order: Order) -> &Self {
        let number = self.shared.with(|state| {
            state.orders.push(order);
            state.given += 1;
            state.given
        });
        self.shared.wake();
        let obeyed = |state: &mut State| (state.obeyed >= number).then_some(());
        // It waits for clients that don't read, with a peer's patience; then it fails.
        while self
            .look_until(Instant::now() + LOOK, &mut { obeyed })
            .is_none()
        {
            if self.actor.timeline().is_over() {
                break;
            }
        }
        self
    }

    /// A bad verdict on the broker's own thread ends the test here.
    fn pass_on_its_failure(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_some_and(JoinHandle::is_finished)
            && let Some(Err(panic)) = thread.take().map(JoinHandle::join)
        {
            drop(thread);
            resume_unwind(panic);
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.shared.with(|state| state.is_over = true);
        self.shared.wake();
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(panic)) = thread.take().map(JoinHandle::join)
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

/// `1 client`, `2 clients`.
fn several(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn message(subject: &str, reply: Option<&str>, payload: &[u8]) -> Message {
    Message {
        subject: subject.to_owned(),
        reply: reply.map(str::to_owned),
        headers: Vec::new(),
        payload: payload.to_vec(),
    }
}
