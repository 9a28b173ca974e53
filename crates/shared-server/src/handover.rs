//! Clients on their way from the worker that accepts them to the worker that serves them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use crate::shared::{Shared, Slot};
use crate::transport::Peer;

/// A client that was accepted and belongs to no worker yet.
pub(crate) struct Newcomer<S> {
    pub(crate) stream: S,
    pub(crate) peer: Peer,
    pub(crate) slot: Slot,
    pub(crate) accepted: Instant,
}

/// The first worker's channels to the others.
pub(crate) struct Handover<S> {
    others: Vec<Sender<Newcomer<S>>>,
    next: usize,
}

impl<S> Handover<S> {
    /// Creates the channels for `workers` workers in total. Returns one receiver for each worker
    /// but the first.
    pub(crate) fn to(workers: usize) -> (Self, Vec<Receiver<Newcomer<S>>>) {
        let (others, receivers) = (1..workers).map(|_| channel()).unzip();
        (Self { others, next: 0 }, receivers)
    }

    // ANCHOR: pass_on
    /// Passes each client to one of the workers, in turn; returns a client that is for the first
    /// worker itself.
    pub(crate) fn pass_on(
        &mut self,
        newcomer: Newcomer<S>,
        shared: &Arc<Shared>,
    ) -> Option<Newcomer<S>> {
        let worker = self.next;
        self.next = (worker + 1) % (self.others.len() + 1);
        let Some(other) = worker.checked_sub(1) else {
            return Some(newcomer);
        };
        match self.others[other].send(newcomer) {
            Ok(()) => {
                shared.wake(worker);
                None
            }
            Err(returned) => Some(returned.0),
        }
    }
    // ANCHOR_END: pass_on

    /// Closes the channels: no more clients are passed on. The other workers wait for this when
    /// they drain.
    pub(crate) fn end(self, shared: &Arc<Shared>) {
        let others = self.others.len();
        drop(self);
        (1..=others).for_each(|worker| shared.wake(worker));
    }
}
