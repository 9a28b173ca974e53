//! A scripted broker: it speaks enough of the NATS protocol for a client to work with, and the
//! check controls what it does.

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

/// The longest payload that a NATS server accepts by default, in bytes.
const MAX_PAYLOAD: usize = 1 << 20;
/// How often a waiting verb checks its condition and its time limit.
const LOOK: Duration = Duration::from_millis(20);

/// A broker that speaks enough of NATS's text protocol for a client to work with: `INFO`,
/// `CONNECT`, `PING`, `PONG`, `SUB` (with queue groups and wildcards), `UNSUB`, `PUB`, `HPUB`,
/// `MSG`, `HMSG` and `-ERR`. A request without subscribers gets status 503. No NATS server is
/// needed.
///
/// The broker routes messages on its own thread. The check can tell it to stay silent, to send byte
/// by byte, to drop its clients, to reject them, or to shut down. The timeline has a lane for each
/// client.
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
    /// Starts a broker on a free port of 127.0.0.1.
    #[must_use]
    pub fn start() -> Self {
        Self::with_max_payload(MAX_PAYLOAD)
    }

    /// Starts a broker whose `INFO` advertises `most` as `max_payload`, in bytes. If a client
    /// publishes a longer payload, the broker sends it `-ERR 'Maximum Payload Violation'` and
    /// closes the connection.
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

    /// Returns the address that the broker listens on.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Sets how long the broker's verbs wait; the default is 4 seconds.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.actor.patience = patience;
        self
    }

    /// Returns how many connections clients have made so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.catch_up();
        self.shared.with(|state| state.living.len())
    }

    /// Returns everything that clients have sent so far, each operation with its client's number,
    /// counted from 0. That includes what the broker had not read yet when this was called, such as
    /// the last bytes of a client that has ended.
    #[must_use]
    pub fn operations(&self) -> Vec<(usize, Operation)> {
        self.catch_up();
        self.shared.with(|state| state.operations.clone())
    }

    /// Waits until `count` clients have sent `CONNECT`, counting those that have disconnected
    /// since. Returns the JSON that the last of these clients sent.
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

    /// Waits until a client has subscribed to exactly this subject, and returns its subscription.
    pub fn expect_subscribed(&self, subject: &str) -> Verdict<Subscription> {
        let first = self.expect_subscribers(subject, 1);
        first.and(|all| Ok(all[0].clone()))
    }

    /// Waits until `count` clients have subscribed to exactly this subject, and returns their
    /// subscriptions.
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

    /// Waits until this subscription ends, by `UNSUB` or because its connection is closed.
    pub fn expect_unsubscribed(&self, subscription: &Subscription) -> Verdict {
        let is =
            |one: &Subscription| (one.client, &one.sid) == (subscription.client, &subscription.sid);
        let gone = |state: &mut State| (!state.subscriptions.iter().any(is)).then_some(());
        self.expect(&format!("UNSUB {}", subscription.sid), gone)
    }

    /// Subscribes the check itself to this subject. From now on messages to it wait for
    /// [`expect_message`](Self::expect_message), and the broker doesn't tell their senders that
    /// there are no subscribers.
    pub fn listen_to(&self, subject: &str) -> &Self {
        self.actor
            .note(format!("the check subscribes to {subject}"));
        self.shared
            .with(|state| state.listened.push(subject.to_owned()));
        self
    }

    /// Waits for the next message to a subject that the check [is subscribed to](Self::listen_to).
    pub fn expect_message(&self, subject: &str) -> Verdict<Message> {
        let next = |state: &mut State| {
            let is = |one: &Message| operation::matches(subject, &one.subject);
            let at = state.kept.iter().position(is)?;
            Some(state.kept.remove(at))
        };
        self.expect(&format!("a message to {subject}"), next)
    }

    /// Publishes a message as another client would, without a reply subject: to each subscriber
    /// outside a queue group, and to one member of each group.
    pub fn publish(&self, subject: &str, payload: impl AsRef<[u8]>) -> &Self {
        self.tell(Order::Route(message(subject, None, payload.as_ref())))
    }

    /// Like [`publish`](Self::publish), with headers: `NATS/1.0`, one line for each name and value,
    /// and an empty line, all ending with `\r\n`. A client that did not announce support for
    /// headers gets the message without them.
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

    /// Publishes a request as another client would. The returned [`Request`] collects the replies.
    #[must_use]
    pub fn request(&self, subject: &str, payload: impl AsRef<[u8]>) -> Request<'_> {
        let request = self.new_request();
        let message = message(subject, Some(&request.inbox), payload.as_ref());
        self.tell(Order::Route(message));
        request
    }

    /// Sends a request to this subscription even if it has ended or the broker is held, like a
    /// request that was already on its way.
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

    /// From now on the broker still reads and records what clients send, but sends nothing by
    /// itself: no `INFO`, no `PONG` and no messages, until [`release`](Self::release).
    pub fn hold(&self) -> &Self {
        self.actor.note("the broker is silent from now on");
        self.tell(Order::Hold)
    }

    /// Sends each client, in one write, everything that was held back since [`hold`](Self::hold),
    /// and resumes normal operation.
    pub fn release(&self) -> &Self {
        self.actor.note("the broker resumes");
        self.tell(Order::Release)
    }

    /// From now on sends one byte at a time, each only after the client has read the previous one.
    pub fn drip(&self) -> &Self {
        self.tell(Order::Manner(Manner::Drip))
    }

    /// Ends [`drip`](Self::drip): from now on each message is sent in one write.
    pub fn whole(&self) -> &Self {
        self.tell(Order::Manner(Manner::Whole))
    }

    /// Closes all connections, and keeps listening.
    pub fn drop_clients(&self) -> &Self {
        self.actor.note("the broker drops its clients");
        self.tell(Order::Drop)
    }

    /// Closes all connections and stops listening, so new connections are refused until
    /// [`come_back`](Self::come_back).
    pub fn go_away(&self) -> &Self {
        self.actor.note("the broker is gone");
        self.tell(Order::Listen(false)).tell(Order::Drop)
    }

    /// Listens on the same address again, after [`go_away`](Self::go_away).
    pub fn come_back(&self) -> &Self {
        self.actor.note("the broker is back");
        self.tell(Order::Listen(true))
    }

    /// From now on, if a client sends `CONNECT`, sends it this error (such as `Authorization
    /// Violation`) and closes the connection.
    pub fn refuse(&self, error: &str) -> &Self {
        self.tell(Order::Refuse(Some(error.to_owned())))
    }

    /// Ends [`refuse`](Self::refuse): clients may connect again.
    pub fn admit(&self) -> &Self {
        self.actor.note("the broker accepts connections again");
        self.tell(Order::Refuse(None))
    }

    /// Changes the `max_payload` that `INFO` advertises from now on. A longer payload gets the same
    /// reply as with [`with_max_payload`](Self::with_max_payload).
    pub fn set_max_payload(&self, most: usize) -> &Self {
        self.actor
            .note(format!("max_payload is {most} from now on"));
        self.tell(Order::MaxPayload(most))
    }

    /// From now on the broker doesn't reply to `PING`, and otherwise works as before.
    pub fn ignore_pings(&self) -> &Self {
        self.actor
            .note("the broker does not reply to PING from now on");
        self.tell(Order::IgnorePings)
    }

    /// Sends all clients an error, such as `-ERR 'Slow Consumer'`. If a NATS server would close the
    /// connection after this error, call [`drop_clients`](Self::drop_clients) next.
    pub fn error(&self, text: &str) -> &Self {
        self.tell(Order::Say(operation::error(text)))
    }

    /// Tells all clients that the broker is about to shut down (lame duck mode), by an `INFO` with
    /// `"ldm":true`.
    pub fn leave_soon(&self) -> &Self {
        self.actor
            .note("the broker announces that it will shut down");
        self.tell(Order::Leave)
    }

    /// Sends these bytes to all clients as they are, even if they aren't valid NATS.
    pub fn say(&self, bytes: impl AsRef<[u8]>) -> &Self {
        self.tell(Order::Say(bytes.as_ref().to_vec()))
    }

    /// Sends `PING` to all clients and waits for each client's `PONG`. Everything that the clients
    /// had published before their `PONG` has then arrived.
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

    /// Waits until `look` finds something in what clients have sent; `what` says what was expected.
    fn expect<T>(&self, what: &str, mut look: impl FnMut(&mut State) -> Option<T>) -> Verdict<T> {
        let found = self.actor.wait(|until| self.look_until(until, &mut look));
        // A client that has ended may have sent it first.
        let found = found.or_else(|| {
            self.catch_up();
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

    /// Returns once the broker's thread has read everything that clients sent before this call.
    fn catch_up(&self) {
        self.tell(Order::Nothing).tell(Order::Nothing);
    }

    /// Gives the broker's thread an order, and returns once it has been carried out.
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

    /// If a bad verdict has ended the broker's own thread, ends the test, too.
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

/// Formats a number: `1 client`, `2 clients`.
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
