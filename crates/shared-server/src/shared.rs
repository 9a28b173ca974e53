//! What all workers know: the slots for clients, the counters, and whether to go on.

use crate::log;
use mio::Waker;
use shared_proto::Stats;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

// ANCHOR: stage
/// Whether to go on serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Serving,
    /// Answer what has come, then end.
    Draining,
    /// End now.
    Cutting,
}
// ANCHOR_END: stage

#[derive(Debug)]
pub(crate) struct Shared {
    stage: AtomicU8,
    started: Instant,
    max_clients: usize,
    clients: AtomicUsize,
    clients_ever: AtomicU64,
    requests: AtomicU64,
    /// Accepting failed and waits for a connection to close.
    pub(crate) accept_stalled: AtomicBool,
    /// One for each worker; the first one's worker accepts.
    wakers: Vec<Waker>,
}

impl Shared {
    pub(crate) fn new(max_clients: usize, wakers: Vec<Waker>) -> Self {
        Shared {
            stage: AtomicU8::new(Stage::Serving as u8),
            started: Instant::now(),
            max_clients,
            clients: AtomicUsize::new(0),
            clients_ever: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            accept_stalled: AtomicBool::new(false),
            wakers,
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::SeqCst) {
            0 => Stage::Serving,
            1 => Stage::Draining,
            _ => Stage::Cutting,
        }
    }

    fn enter_stage(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::SeqCst);
        for worker in 0..self.wakers.len() {
            self.wake(worker);
        }
    }

    pub(crate) fn wake(&self, worker: usize) {
        // An eventfd or a pipe that cannot be written is full: the worker will wake anyway.
        let _ = self.wakers[worker].wake();
    }

    // ANCHOR: slot
    /// A slot for one more client, given back when the slot is dropped; `None` in a full house.
    pub(crate) fn take_slot(self: &Arc<Self>) -> Option<Slot> {
        let taken = self
            .clients
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |clients| {
                (clients < self.max_clients).then_some(clients + 1)
            });
        taken.ok()?;
        self.clients_ever.fetch_add(1, Ordering::Relaxed);
        Some(Slot(Arc::clone(self)))
    }
    // ANCHOR_END: slot

    pub(crate) fn count_requests(&self, requests: u64) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        let clients = self.clients.load(Ordering::SeqCst);
        let uptime = self.started.elapsed().as_millis();
        Stats {
            connections_now: u32::try_from(clients).unwrap_or(u32::MAX),
            connections_ever: self.clients_ever.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            uptime_ms: u64::try_from(uptime).unwrap_or(u64::MAX),
        }
    }
}

/// One client's place among `max_clients`.
#[derive(Debug)]
pub(crate) struct Slot(Arc<Shared>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Ends a running server, from any thread.
#[derive(Debug, Clone)]
pub struct Handle(pub(crate) Arc<Shared>);

impl Handle {
    /// Stops accepting, answers what has come, then ends; within the drain timeout.
    pub fn drain(&self) {
        self.0.enter_stage(Stage::Draining);
    }

    /// Ends at once, whatever is left to be answered.
    pub fn cut(&self) {
        self.0.enter_stage(Stage::Cutting);
    }

    /// What a signal asks for: the first drains, the second cuts.
    pub(crate) fn signal(&self) {
        match self.0.stage() {
            Stage::Serving => {
                log::line(format_args!("draining: a signal came"));
                self.drain();
            }
            Stage::Draining | Stage::Cutting => {
                log::line(format_args!("cutting: a second signal came"));
                self.cut();
            }
        }
    }
}
