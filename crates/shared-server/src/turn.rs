//! What a worker lends to the connection whose turn it is.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

use crate::limits::Limits;
use crate::requests::Requests;
use crate::service::{Completion, Context, ReturnAddress, Service};
use crate::session::Step;
use crate::shared::Shared;
use crate::transport::Peer;

// ANCHOR: turn
/// One turn: everything that it needs, and how much work it was.
pub(crate) struct Turn<'a, S> {
    pub(crate) service: &'a mut S,
    /// The buffer for one read.
    pub(crate) input: &'a mut [u8],
    /// Replies to be written in this turn.
    pub(crate) replies: &'a mut Vec<u8>,
    pub(crate) limits: &'a Limits,
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) completions: &'a Sender<Completion>,
    /// Whose turn it is: the worker, and the connection's key there.
    pub(crate) worker: usize,
    pub(crate) key: usize,
    pub(crate) now: Instant,
    pub(crate) draining: bool,
    /// Bytes that this turn has read and written.
    pub(crate) work: usize,
}
// ANCHOR_END: turn

impl<S: Service> Turn<'_, S> {
    /// The part that the session of one client needs.
    pub(crate) fn step<'b>(&'b mut self, peer: &'b Peer) -> Step<'b, Requests<'b, S>> {
        let return_address = ReturnAddress {
            completions: self.completions,
            worker: self.worker,
            key: self.key,
        };
        let context = Context {
            peer,
            shared: self.shared,
            uncounted: Cell::new(0),
            return_address,
            issued: Cell::new(None),
            service: PhantomData,
        };
        Step {
            answers: Requests {
                service: self.service,
                context,
            },
            replies: self.replies,
            limits: self.limits,
            now: self.now,
        }
    }
}
