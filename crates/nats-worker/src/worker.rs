//! From a message to its reply, and draining.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use async_nats::client::PublishErrorKind;
use async_nats::connection::State;
use async_nats::{Client, Message as NatsMessage, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use shared_proto::{ErrorCode, ErrorReply, Frame, FrameError, LENGTH_BYTES, Message};
use shared_server::{Dispatcher, Event, LateAnswer, Peer, Service};
use tokio::select;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// How long a message that the worker sends to itself may take to come back before the worker sends
/// another.
const AGAIN: Duration = Duration::from_secs(1);

/// If no such message comes back for this long, [`Worker::join`] fails with
/// [`WorkerError::Silent`].
const JOINS_WITHIN: Duration = Duration::from_secs(5);

// ANCHOR: more
/// "No more, but keep what arrives": the number of messages after which the subscription ends. This
/// client will never have received that many, and the broker, which reads only nine digits, doesn't
/// accept it as a number.
///
/// `Subscriber::drain` alone loses requests under load: async-nats 0.51 forgets the subscription at
/// its connection's next turn, not at the broker's PONG, and drops messages that were still on the
/// way. A broker that does read this number keeps delivering, which is no worse than with `drain`
/// alone.
const NO_MORE: u64 = 10_000_000_000;
// ANCHOR_END: more

/// Where a worker gets its requests, and how many of them may be waiting for an answer.
#[derive(Debug, Clone)]
pub struct Place {
    /// The broker's name, which the service sees in the peer of every request.
    pub broker: String,
    /// The subject that requests are sent to.
    pub subject: String,
    /// The queue group: the broker delivers each request to only one of the group's workers.
    pub queue: String,
    /// How many requests may wait for an answer that the service gives later. Any further request
    /// is answered with Busy.
    pub max_requests: usize,
}

/// Answers the requests that a broker delivers.
#[derive(Debug)]
pub struct Worker<S> {
    client: Client,
    subscription: Subscriber,
    dispatcher: Dispatcher<S, Option<Subject>>,
    late: UnboundedReceiver<LateAnswer>,
    max_requests: usize,
}

/// The reason why a worker has stopped answering.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkerError {
    /// The subject or the queue group cannot be subscribed to.
    Subscribe(async_nats::client::SubscribeError),
    /// No message that the worker sent to itself through the broker came back.
    Silent,
    /// The client was closed.
    Closed,
    /// The connection broke while the worker was draining. It has answered all requests, but
    /// replies that the broker had not confirmed may be lost.
    Unconfirmed,
}

impl<S: Service> Worker<S> {
    /// Joins the queue group. When this returns, the broker has registered the worker, and delivers
    /// requests to it.
    ///
    /// # Errors
    ///
    /// If the subject or the queue group is not valid, or if no message that the worker sends to
    /// itself through the broker comes back within five seconds.
    pub async fn join(client: Client, place: Place, service: S) -> Result<Self, WorkerError> {
        let Place { subject, queue, .. } = place;
        let subscription = client.queue_subscribe(subject, queue).await;
        let subscription = subscription.map_err(WorkerError::Subscribe)?;
        let who = format!("broker {}, which does not say who asked", place.broker);
        let (dispatcher, late_answers) = Dispatcher::new(service, Peer::Other(who.into()));
        let (sender, late) = unbounded_channel();
        thread::spawn(move || {
            late_answers
                .map(|late| sender.send(late))
                .all(|sent| sent.is_ok())
        });
        let worker = Self {
            client,
            subscription,
            dispatcher,
            late,
            max_requests: place.max_requests,
        };
        match timeout(JOINS_WITHIN, fence(&worker.client)).await {
            Ok(heard) => heard.map(|()| worker),
            Err(_) => Err(WorkerError::Silent),
        }
    }

    /// Adds an observer, which receives the reason for each request that is answered with Internal.
    pub fn on_event(&mut self, observer: impl Fn(&Event) + Send + Sync + 'static) {
        self.dispatcher.on_event(observer);
    }

    /// Answers requests until `stop` completes, then drains: it unsubscribes, and answers the
    /// requests that are left. When this returns `Ok`, the broker has received all replies.
    ///
    /// While there is no connection to the broker, this waits: the client reconnects and subscribes
    /// again by itself.
    ///
    /// # Errors
    ///
    /// If the client was closed, or if the connection broke after `stop`: replies that had been
    /// written may be lost, and the client does not send them again after it has reconnected.
    pub async fn serve(mut self, stop: impl Future) -> Result<(), WorkerError> {
        self.answer_until(stop).await?;
        self.drain().await
    }

    async fn answer_until<T>(&mut self, stop: impl Future<Output = T>) -> Result<T, WorkerError> {
        let mut stop = pin!(stop);
        loop {
            select! {
                message = self.subscription.next() => match message {
                    Some(message) => self.answer(message).await?,
                    None => return Err(WorkerError::Closed),
                },
                Some(late) = self.late.recv() => self.complete(late).await?,
                stopped = &mut stop => return Ok(stopped),
            }
        }
    }

    // ANCHOR: drain
    /// Unsubscribes, answers the requests that arrive until the broker has processed that, and
    /// waits until the broker has every reply.
    async fn drain(&mut self) -> Result<(), WorkerError> {
        let closed = |_| WorkerError::Closed;
        let connection = number_of_connection(&self.client);
        let asked = self.subscription.unsubscribe_after(NO_MORE).await;
        asked.map_err(closed)?;
        let client = self.client.clone();
        self.answer_until(fence(&client)).await??;
        // From now on nothing arrives. Requests that are already here still have to be answered.
        self.subscription.drain().await.map_err(closed)?;
        while let Some(message) = self.subscription.next().await {
            self.answer(message).await?;
        }
        while self.dispatcher.awaited() > 0 {
            let late = self.late.recv().await;
            self.complete(late.ok_or(WorkerError::Closed)?).await?;
        }
        fence(&client).await?;
        // A fence on a later connection says nothing about the replies that were sent on this one.
        match number_of_connection(&client) == connection {
            true => Ok(()),
            false => Err(WorkerError::Unconfirmed),
        }
    }
    // ANCHOR_END: drain

    // ANCHOR: answer
    async fn answer(&mut self, message: NatsMessage) -> Result<(), WorkerError> {
        let NatsMessage { reply, payload, .. } = message;
        let Some((&kind, body)) = payload.split_first() else {
            let frame = error(ErrorCode::Malformed, &FrameError::Empty.to_string());
            return self.reply(reply, frame).await;
        };
        if self.dispatcher.awaited() >= self.max_requests {
            let text = format!(
                "{} requests are waiting for their replies",
                self.max_requests
            );
            return self.reply(reply, error(ErrorCode::Busy, &text)).await;
        }
        match self.dispatcher.call(Frame { kind, body }, reply) {
            Some((to, frame)) => self.reply(to, frame).await,
            None => Ok(()), // later
        }
    }
    // ANCHOR_END: answer

    async fn complete(&mut self, late: LateAnswer) -> Result<(), WorkerError> {
        match self.dispatcher.complete(late) {
            Some((to, frame)) => self.reply(to, frame).await,
            None => Ok(()),
        }
    }

    /// Sends a frame without its length. If the frame is so large that the broker would close the
    /// connection, sends an Error that fits instead.
    async fn reply(&self, to: Option<Subject>, frame: Vec<u8>) -> Result<(), WorkerError> {
        let Some(to) = to else { return Ok(()) };
        let mut payload = Bytes::from(frame).slice(LENGTH_BYTES..);
        let most = self.client.max_payload();
        if payload.len() > most {
            let text = format!(
                "the answer has {} bytes; the broker accepts at most {most}",
                payload.len()
            );
            payload = Bytes::from(error(ErrorCode::TooLarge, &text)).slice(LENGTH_BYTES..);
            payload.truncate(most);
        }
        match self.client.publish(to, payload).await {
            Err(error) if error.kind() == PublishErrorKind::Send => Err(WorkerError::Closed),
            // The subject is invalid, or the broker accepts less than the previous one: the caller
            // gets no reply.
            _ => Ok(()),
        }
    }
}

/// The number of the client's connection; while there is none, the number of the next one.
fn number_of_connection(client: &Client) -> u64 {
    let connects = client.statistics().connects.load(Ordering::Relaxed);
    match client.connection_state() {
        State::Connected => connects,
        State::Pending | State::Disconnected => connects + 1,
    }
}

// ANCHOR: fence
/// Waits until the broker has carried out every earlier request, and everything that it delivered
/// before has arrived: a message to itself comes back behind everything else.
async fn fence(client: &Client) -> Result<(), WorkerError> {
    // The connection may end meanwhile, and the message is then lost.
    while !comes_back(client).await? {}
    Ok(())
}

/// Whether a message to itself came back in time.
async fn comes_back(client: &Client) -> Result<bool, WorkerError> {
    let inbox = client.new_inbox();
    let back = client.subscribe(inbox.clone()).await;
    let mut back = back.map_err(WorkerError::Subscribe)?;
    let sent = client.publish(inbox, Bytes::new()).await;
    sent.map_err(|_| WorkerError::Closed)?;
    match timeout(AGAIN, back.next()).await {
        Ok(Some(_)) => Ok(true),
        Ok(None) => Err(WorkerError::Closed),
        Err(_) => Ok(false),
    }
}
// ANCHOR_END: fence

fn error(code: ErrorCode, text: &str) -> Vec<u8> {
    let text = text.into();
    let mut frame = Vec::new();
    ErrorReply { code, text }.encode(&mut frame);
    frame
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscribe(error) => write!(f, "cannot subscribe: {error}"),
            Self::Silent => write!(
                f,
                                "no message that the worker sent to itself arrived within {JOINS_WITHIN:?}; allow \
                 this user to publish to _INBOX.> and to subscribe to it"
            ),
            Self::Closed => f.write_str("the connection to the broker was closed for good"),
            Self::Unconfirmed => f.write_str(
                "the connection to the broker broke during the drain; replies that the broker had not \
                 confirmed may be lost",
            ),
        }
    }
}

impl std::error::Error for WorkerError {}
