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
use crate::session::{Answered, Answers, FAILED, panicked};
use crate::shared::Shared;
use crate::transport::Peer;

/// The key and the worker in the return address of every request: here there is only one of each.
const ONLY: usize = 0;

/// Calls a service once for each request, wherever the request came from.
///
/// Each request is given a return address `R` of the caller's own, and its answer is returned with
/// that address: from [`call`](Self::call) at once, or from [`complete`](Self::complete), if the
/// service answers later. Whatever happens, each request gets exactly one answer.
///
/// The envelope's messages are answered as a server would answer them. A request that makes the
/// service panic is answered with Internal, and so is a request whose answer is dropped; no
/// connection ends, because there is none.
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
    /// By the numbers under which their answers will arrive.
    awaited: HashMap<u64, R>,
}

/// The answers that a service gives later, as they arrive. Iterating waits for the next one, and
/// ends with the [`Dispatcher`], after the last [`Later`](crate::Later).
#[derive(Debug)]
pub struct LateAnswers(Receiver<Completion>);

/// An answer that was given later: for [`Dispatcher::complete`].
#[derive(Debug)]
pub struct LateAnswer(Completion);

impl<S: Service, R> Dispatcher<S, R> {
    /// Creates a dispatcher for a service, which sees `peer` as the peer of every request.
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

    /// Reports to `observer` why a request was answered with Internal: an [`Event::Refused`]. Only
    /// the first observer counts.
    pub fn on_event(&mut self, observer: impl Fn(&Event) + Send + Sync + 'static) {
        self.shared.observer.set(observer);
    }

    /// Calls the service. Returns the return address and the whole reply, length included; `None`
    /// if the reply will come later.
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
            Ok(Answered::Later(number)) => {
                self.awaited.insert(number, to);
                None
            }
            Ok(Answered::Failed(why)) => Some((to, self.failed(why.to_owned()))),
            Err(panic) => Some((to, self.failed(panicked(panic.as_ref())))),
        }
    }

    /// Returns the complete late reply, with its return address; `None` if the request has already
    /// been answered.
    pub fn complete(&mut self, late: LateAnswer) -> Option<(R, Vec<u8>)> {
        let LateAnswer(Completion { number, frame, .. }) = late;
        let to = self.awaited.remove(&number)?;
        let reply = frame.unwrap_or_else(|| self.failed("its answer was dropped".to_owned()));
        Some((to, reply))
    }

    /// Returns the number of requests still to be answered.
    #[must_use]
    pub fn awaited(&self) -> usize {
        self.awaited.len()
    }

    /// The peer learns only that it failed; the observer learns why.
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
