//! What a server does with a request, and how it is answered: now, with an error, or later.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Weak};

use shared_proto::envelope::{CLOSED, ERROR};
use shared_proto::tutorial::Stats;
use shared_proto::{Decode, ErrorCode, ErrorReply, Message, ServiceCode};

use crate::session::Awaited;
use crate::shared::Shared;
use crate::transport::Peer;

/// Answers requests, one at a time, using its own messages.
///
/// Each worker has its own value of this type, so `&mut self` needs no lock. A client cannot choose
/// its worker, so state that all clients must see has to be shared between these values, in an
/// [`Arc`].
///
/// A call must not block: while it runs, no other client of its worker is served. A request that
/// takes a long time is answered [later](Context::later), from a separate thread. A panic ends only
/// the connection of the client that asked, with the error Internal; the value stays in use. (If
/// panics unwind: a program built with `panic = "abort"` ends with the first one.)
pub trait Service: Send + Sized + 'static {
    /// A client's request; it may borrow from its frame.
    type Request<'a>: Decode<'a>;

    /// The response to a request. It may borrow from the request, which saves a copy.
    type Response<'a>: Message;

    /// Answers one request. The answer may borrow from the request and from the context.
    ///
    /// Close never gets here, nor does a frame that is not a request: the engine answers those.
    fn call<'a>(
        &mut self,
        request: Self::Request<'a>,
        context: &'a Context<'_, Self>,
    ) -> Answer<Self::Response<'a>>;
}

/// The answer to a request.
#[derive(Debug)]
pub enum Answer<R> {
    /// A response, immediately.
    Now(R),
    /// One of the service's own errors; the connection stays open.
    Error(ServiceError),
    /// The answer arrives through the [`Later`] that was created with this ticket. Until then, the
    /// next request of this client waits; other clients are served as usual.
    Later(Ticket),
}

impl<R> From<R> for Answer<R> {
    fn from(response: R) -> Self {
        Answer::Now(response)
    }
}

/// An error that the service defines, sent to the client instead of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// What happened, for a program.
    pub code: ServiceCode,
    /// What happened, for a person.
    pub text: Cow<'static, str>,
}

impl ServiceError {
    /// Creates an error with this code and this text.
    pub fn new(code: ServiceCode, text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        Self { code, text }
    }

    pub(crate) fn reply(&self) -> ErrorReply<'_> {
        ErrorReply {
            code: ErrorCode::Service(self.code),
            text: self.text.as_ref().into(),
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", ErrorCode::Service(self.code), self.text)
    }
}

impl std::error::Error for ServiceError {}

/// What a service can find out about the request that it is answering: who sent it, and the
/// server's counters. It also lets the service answer [later](Self::later).
pub struct Context<'a, S> {
    pub(crate) peer: &'a Peer,
    pub(crate) shared: &'a Arc<Shared>,
    /// Frames decoded that are not yet counted in `shared`.
    pub(crate) uncounted: Cell<u64>,
    pub(crate) return_address: ReturnAddress<'a>,
    /// The first ticket of this call.
    pub(crate) issued: Cell<Option<u64>>,
    pub(crate) service: PhantomData<fn() -> S>,
}

/// Where late answers are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReturnAddress<'a> {
    pub(crate) completions: &'a Sender<Completion>,
    pub(crate) worker: usize,
    pub(crate) key: usize,
}

impl<S: Service> Context<'_, S> {
    /// Returns the peer that sent this request.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        self.peer
    }

    /// Returns the server's counters, which include this request.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.count();
        self.shared.stats()
    }

    /// Lets this request be answered later, from any thread: return [`Answer::Later`] with the
    /// ticket, and answer through the [`Later`]. Dropping the `Later` unused ends the client's
    /// connection with the error Internal.
    ///
    /// Until the answer is given, this client's next request waits, and none of the client's
    /// deadlines runs. A draining server also waits for the answer, until the drain's deadline.
    ///
    /// If the answer depends on something that may not happen, such as another client's request,
    /// give it when draining begins: in an observer ([`Server::on_event`](crate::Server::on_event)),
    /// at [`Event::Draining`](crate::Event::Draining), answer or [fail](Later::fail) each `Later`
    /// that waits. This never blocks. Requests that had arrived by then are still passed to `call`
    /// afterwards, so the observer also has to note, under the same lock, that no further request
    /// may wait. The example `ch18_waiting` of this crate does so.
    ///
    /// Code that runs after `call` has returned must own its data: copy what it needs from the
    /// request, which borrows from the worker's buffer.
    ///
    /// ```no_run
    /// # use shared_server::{Answer, Context, Service, ServiceCode, ServiceError};
    /// const CANNOT_READ: ServiceCode = ServiceCode::new(257);
    ///
    /// # fn call<S>(path: &str, context: &Context<'_, S>) -> Answer<S::Response<'static>>
    /// # where
    /// #     S: Service + 'static,
    /// #     for<'a> S::Response<'a>: From<Vec<u8>>,
    /// # {
    /// let (later, ticket) = context.later();
    /// let path = path.to_owned();
    /// std::thread::spawn(move || match std::fs::read(&path) {
    ///     Ok(bytes) => later.answer(&bytes.into()),
    ///     Err(error) => later.fail(&ServiceError::new(CANNOT_READ, error.to_string())),
    /// });
    /// Answer::Later(ticket)
    /// # }
    /// ```
    ///
    /// A `Later` may also be kept, for example in a list of clients that are waiting for an event,
    /// and be answered from the `call` of another client. Limit the size of such a list: not every
    /// client that has left [is known to be gone](Later::client_is_gone).
    pub fn later(&self) -> (Later<S>, Ticket) {
        let number = self.shared.next_number();
        let (awaited, client) = Awaited::new(number);
        let later = Later {
            completions: self.return_address.completions.clone(),
            shared: Arc::clone(self.shared),
            worker: self.return_address.worker,
            key: self.return_address.key,
            number,
            client,
            answered: false,
            service: PhantomData,
        };
        self.issued.set(self.issued.get().or(Some(number)));
        let ReturnAddress { worker, key, .. } = self.return_address;
        (
            later,
            Ticket {
                worker,
                key,
                awaited,
            },
        )
    }
}

impl<S> Context<'_, S> {
    /// Whether the ticket was issued for the request that is being answered.
    pub(crate) fn issued(&self, ticket: &Ticket) -> bool {
        let first = self.issued.get();
        (ticket.worker, ticket.key) == (self.return_address.worker, self.return_address.key)
            && first.is_some_and(|first| first <= ticket.awaited.number)
    }

    pub(crate) fn count(&self) {
        self.shared.count_requests(self.uncounted.take());
    }
}

impl<S> fmt::Debug for Context<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// Proof that a [`Later`] exists for this request, to be returned in [`Answer::Later`]: see
/// [`Context::later`].
#[derive(Debug)]
pub struct Ticket {
    worker: usize,
    key: usize,
    pub(crate) awaited: Awaited,
}

/// Answers one request from any thread: see [`Context::later`].
#[must_use = "dropped without an answer, it ends the client with the error Internal"]
pub struct Later<S> {
    completions: Sender<Completion>,
    shared: Arc<Shared>,
    worker: usize,
    key: usize,
    number: u64,
    /// Dead once no one awaits the answer.
    client: Weak<()>,
    answered: bool,
    service: PhantomData<fn() -> S>,
}

/// An answer on its way to its connection.
#[derive(Debug)]
pub(crate) struct Completion {
    pub(crate) key: usize,
    pub(crate) number: u64,
    /// The whole frame; `None` if there will be none.
    pub(crate) frame: Option<Vec<u8>>,
}

impl<S: Service> Later<S> {
    /// Answers with a response. If the client has gone meanwhile, the response is discarded.
    pub fn answer(mut self, response: &S::Response<'_>) {
        if is_a_services(response.kind()) {
            self.send(response);
        }
    }

    /// Returns whether the client is known to have gone, so that no one will receive the answer.
    /// Dropping the `Later` is then harmless: nothing is reported.
    ///
    /// `false` is no promise: the client may have left unnoticed, or may leave before the answer
    /// reaches it. The server notices a Unix client that closes its socket, and a TCP connection
    /// that is reset, as soon as the client's worker gets to it. A TCP client that closes its
    /// socket in the usual way looks as if it had only shut down writing (`shutdown(2)`), and still
    /// waited for its answer: the server notices it when the system's keepalive does, on Linux
    /// about 90 seconds later. When the connection or the server has ended for another reason, this
    /// returns `true` as well.
    #[must_use]
    pub fn client_is_gone(&self) -> bool {
        self.client.strong_count() == 0
    }

    /// Answers with one of the service's own errors; the connection stays open.
    pub fn fail(mut self, error: &ServiceError) {
        self.send(&error.reply());
    }
}

/// Whether a response may have this kind: a service must not use the protocol's own kinds.
#[inline]
pub(crate) fn is_a_services(kind: u8) -> bool {
    kind >= 0x80 && kind != CLOSED && kind != ERROR
}

impl<S> Later<S> {
    fn send(&mut self, message: &impl Message) {
        let mut frame = Vec::new();
        message.encode(&mut frame);
        self.complete(Some(frame));
    }

    fn complete(&mut self, frame: Option<Vec<u8>>) {
        self.answered = true;
        let (key, number) = (self.key, self.number);
        // It fails if the worker has ended: then there is no one left to answer.
        let _ = self.completions.send(Completion { key, number, frame });
        self.shared.wake(self.worker);
    }
}

impl<S> Drop for Later<S> {
    fn drop(&mut self) {
        if !self.answered {
            self.complete(None);
        }
    }
}

impl<S> fmt::Debug for Later<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Later")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
