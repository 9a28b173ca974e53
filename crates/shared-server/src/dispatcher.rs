//! Calls a service for requests that arrive one by one and without a connection, for example from a
//! broker.

use std::cell::Cell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use shared_proto::{ErrorCode, ErrorReply, Frame, Message};

use crate::event::Event;
use crate::requests::Requests;
use crate::service::{Completion, Context, ReturnAddress, Service};
use crate::session::{Answered, Answers, Awaited, FAILED, panicked};
use crate::shared::Shared;
use crate::transport::Peer;

/// The key and the worker in the return address of every request: here there is only one of each.
const ONLY: usize = 0;

/// Calls a service once for each request, wherever the request came from.
///
/// With each request, the caller passes a return address `R` of any type, and gets it back together
/// with the answer: from [`call`](Self::call), or, if the service answers later, from
/// [`complete`](Self::complete). Each request gets exactly one answer, even if the service panics.
///
/// The messages of the protocol's envelope are answered as a server would answer them. If the
/// service panics, or drops a [`Later`](crate::Later) without answering, the request is answered
/// with Internal. No connection ends, because there is none.
///
/// ```
/// use shared_server::{Dispatcher, Frame, Peer, TutorialService};
///
/// let peer = Peer::Other("a test".into());
/// let (mut dispatcher, late) = Dispatcher::new(TutorialService, peer);
/// let who_am_i = Frame { kind: 0x03, body: b"" };
/// let (to, reply) = dispatcher.call(who_am_i, "return address").expect("it answers at once");
/// assert_eq!((to, &reply[..]), ("return address", &b"\0\0\0\x07\x83a test"[..]));
/// ```
#[derive(Debug)]
pub struct Dispatcher<S, R> {
    service: S,
    peer: Peer,
    shared: Arc<Shared>,
    completions: Sender<Completion>,
    /// The return addresses of the requests that will be answered later, by the number of the
    /// answer.
    awaited: HashMap<u64, (Awaited, R)>,
}

/// An iterator over the answers that a service gives later, each for [`Dispatcher::complete`].
/// `next` blocks until an answer arrives, and returns `None` when the [`Dispatcher`] and every
/// [`Later`](crate::Later) are gone.
#[derive(Debug)]
pub struct LateAnswers(Receiver<Completion>);

/// An answer that a service gave later: pass it to [`Dispatcher::complete`].
#[derive(Debug)]
pub struct LateAnswer(Completion);

impl<S: Service, R> Dispatcher<S, R> {
    /// Creates a dispatcher for `service`, and the iterator over its late answers. The service sees
    /// `peer` as the peer of every request.
    pub fn new(service: S, peer: Peer) -> (Self, LateAnswers) {
        let (completions, receiver) = channel();
        let dispatcher = Self {
            service,
            peer,
            shared: Arc::new(Shared::new(usize::MAX, Vec::new())),
            completions,
            awaited: HashMap::new(),
        };
        (dispatcher, LateAnswers(receiver))
    }

    /// Adds an observer. For each request that is answered with Internal, it receives an
    /// [`Event::Refused`] with the reason, after the observers that were added before it.
    pub fn on_event(&mut self, observer: impl Fn(&Event) + Send + Sync + 'static) {
        self.shared.observer.add(observer);
    }

    /// Passes a request to the service. Returns the return address `to` and the complete reply,
    /// including its length field; `None` if the service will answer later.
    pub fn call(&mut self, request: Frame<'_>, to: R) -> Option<(R, Vec<u8>)> {
        let mut reply = Vec::new();
        let context = Context {
            peer: &self.peer,
            shared: &self.shared,
            uncounted: Cell::new(0),
            return_address: ReturnAddress {
                completions: &self.completions,
                worker: ONLY,
                key: ONLY,
            },
            issued: Cell::new(None),
            service: PhantomData,
        };
        let mut requests = Requests {
            service: &mut self.service,
            context,
        };
        let answered = catch_unwind(AssertUnwindSafe(|| requests.answer(request, &mut reply)));
        drop(requests);
        match answered {
            Ok(Answered::Now | Answered::Closed) => Some((to, reply)),
            Ok(Answered::Later(awaited)) => {
                self.awaited.insert(awaited.number, (awaited, to));
                None
            }
            Ok(Answered::Failed(why)) => Some((to, self.failed(why.to_owned()))),
            Err(panic) => Some((to, self.failed(panicked(panic.as_ref())))),
        }
    }

    /// Turns a late answer into the complete reply, and returns it after the return address of its
    /// request; `None` if that request has already been answered.
    pub fn complete(&mut self, late: LateAnswer) -> Option<(R, Vec<u8>)> {
        let LateAnswer(Completion { number, frame, .. }) = late;
        let (_, to) = self.awaited.remove(&number)?;
        let reply = frame.unwrap_or_else(|| self.failed("its answer was dropped".to_owned()));
        Some((to, reply))
    }

    /// Returns how many requests the service has promised to answer later, and has not answered
    /// yet.
    #[must_use]
    pub fn awaited(&self) -> usize {
        self.awaited.len()
    }

    /// Returns the reply to a request on which the service failed. The peer learns only that it
    /// failed; the observer learns why.
    fn failed(&self, reason: String) -> Vec<u8> {
        let (code, peer) = (ErrorCode::Internal, self.peer.clone());
        self.shared.tell(&Event::Refused { peer, code, reason });
        let text = FAILED.into();
        let mut reply = Vec::new();
        ErrorReply { code, text }.encode(&mut reply);
        reply
    }
}

impl Iterator for LateAnswers {
    type Item = LateAnswer;

    fn next(&mut self) -> Option<LateAnswer> {
        self.0.recv().ok().map(LateAnswer)
    }
}
