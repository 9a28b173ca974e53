//! What all workers know: the slots for clients, the counters, and whether to keep serving.

use crate::descriptors::Room;
use crate::event::{Event, Observer};
use mio::Waker;
use shared_proto::tutorial::Stats;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// A signal that arrives this soon after the first one is the same signal, sent twice: `timeout(1)`
/// signals its child and then the child's group, and a terminal's Ctrl-C may be passed on by a
/// launcher.
const SENT_TWICE: Duration = Duration::from_millis(200);

// ANCHOR: stage
/// Whether to keep serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Serving,
    /// Answer what has arrived, then end.
    Draining,
    /// End immediately.
    Cutting,
}
// ANCHOR_END: stage

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Every request that had arrived was answered.
    Drained,
    /// Connections were cut with work unfinished: the drain's deadline passed, a second signal
    /// arrived, or [`Handle::cut`] was called.
    Cut,
}

#[derive(Debug)]
pub(crate) struct Shared {
    stage: AtomicU8,
    started: Instant,
    pub(crate) wanted_clients: usize,
    /// As many of the wanted clients as there are descriptors for.
    max_clients: AtomicUsize,
    max_lingering: AtomicUsize,
    /// The last number of clients that an observer knows of; 0 before the server serves.
    told_clients: AtomicUsize,
    clients: AtomicUsize,
    clients_ever: AtomicU64,
    requests: AtomicU64,
    /// Answers that were promised for later.
    promised: AtomicU64,
    /// Accepting failed and is waiting for a connection to close.
    pub(crate) accept_stalled: AtomicBool,
    /// When the first worker to do so had finished its first round of turns of the drain.
    first_round: OnceLock<Instant>,
    pub(crate) observer: Observer,
    /// SIGINT or SIGTERM arrived.
    signaled: AtomicBool,
    told_of_drain: AtomicBool,
    /// One for each worker; the first worker accepts.
    wakers: Vec<Waker>,
}

impl Shared {
    pub(crate) fn new(wanted_clients: usize, wakers: Vec<Waker>) -> Self {
        Shared {
            stage: AtomicU8::new(Stage::Serving as u8),
            started: Instant::now(),
            wanted_clients,
            max_clients: AtomicUsize::new(wanted_clients),
            max_lingering: AtomicUsize::new(1),
            told_clients: AtomicUsize::new(0),
            clients: AtomicUsize::new(0),
            clients_ever: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            promised: AtomicU64::new(0),
            accept_stalled: AtomicBool::new(false),
            first_round: OnceLock::new(),
            observer: Observer::default(),
            signaled: AtomicBool::new(false),
            told_of_drain: AtomicBool::new(false),
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

    fn drain(&self, signaled: bool) {
        // Reported first, while clients can still connect: an observer may do so.
        if self.stage() == Stage::Serving && !self.told_of_drain.swap(true, Ordering::SeqCst) {
            self.tell(&Event::Draining { signaled });
        }
        self.enter_stage(Stage::Draining);
    }

    fn enter_stage(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::SeqCst);
        for worker in 0..self.wakers.len() {
            self.wake(worker);
        }
    }

    /// Notes the end of the first round of turns of the drain. A second signal during a long first
    /// round does not count: no one can have lost patience by then.
    pub(crate) fn first_round_is_over(&self) {
        self.first_round.get_or_init(Instant::now);
    }

    fn is_sent_twice(&self) -> bool {
        let first_round = self.first_round.get();
        first_round.is_none_or(|over| over.elapsed() < SENT_TWICE)
    }

    pub(crate) fn tell(&self, event: &Event) {
        self.observer.tell(event);
    }

    pub(crate) fn wake(&self, worker: usize) {
        // If an eventfd or a pipe cannot be written, it is full: the worker will wake anyway.
        if let Some(waker) = self.wakers.get(worker) {
            let _ = waker.wake();
        }
    }

    pub(crate) fn max_clients(&self) -> usize {
        self.max_clients.load(Ordering::Relaxed)
    }

    pub(crate) fn max_lingering(&self) -> usize {
        self.max_lingering.load(Ordering::Relaxed)
    }

    pub(crate) fn clients_now(&self) -> usize {
        self.clients.load(Ordering::SeqCst)
    }

    pub(crate) fn set_room(&self, room: Room) {
        self.max_clients.store(room.clients, Ordering::Relaxed);
        self.max_lingering.store(room.lingering, Ordering::Relaxed);
    }

    /// From now on, the observer is told how many clients there is room for, if that is fewer than
    /// wanted.
    pub(crate) fn serving_begins(&self) {
        let wanted = self.wanted_clients;
        self.told_clients.store(wanted, Ordering::SeqCst);
        self.tell_of_fewer_clients();
    }

    /// Reports if there is room for fewer clients than the observer knows of.
    pub(crate) fn tell_of_fewer_clients(&self) {
        let allowed = self.max_clients();
        if allowed < self.told_clients.fetch_min(allowed, Ordering::SeqCst) {
            let wanted = self.wanted_clients;
            self.tell(&Event::FewerClients { wanted, allowed });
        }
    }

    // ANCHOR: slot
    /// Takes a slot for one more client; `None` if all slots are taken. Dropping the slot releases
    /// it.
    pub(crate) fn take_slot(self: &Arc<Self>) -> Option<Slot> {
        let taken = self
            .clients
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |clients| {
                (clients < self.max_clients()).then_some(clients + 1)
            });
        taken.ok()?;
        self.clients_ever.fetch_add(1, Ordering::Relaxed);
        Some(Slot(Arc::clone(self)))
    }
    // ANCHOR_END: slot

    /// Returns a new number for a late answer.
    pub(crate) fn next_number(&self) -> u64 {
        self.promised.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes back a slot that was released too early, even if another client has taken it
    /// meanwhile.
    pub(crate) fn retake_slot(self: &Arc<Self>) -> Slot {
        self.clients.fetch_add(1, Ordering::SeqCst);
        Slot(Arc::clone(self))
    }

    pub(crate) fn count_requests(&self, requests: u64) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        let clients = self.clients_now();
        let uptime = self.started.elapsed().as_millis();
        Stats {
            connections_now: u32::try_from(clients).unwrap_or(u32::MAX),
            connections_ever: self.clients_ever.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            uptime_ms: u64::try_from(uptime).unwrap_or(u64::MAX),
        }
    }
}

/// One of the `max_clients` slots.
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
    /// Drains the server: it stops accepting clients, answers the requests that have arrived, then
    /// ends, after [`Limits::drain_timeout`](crate::Limits::drain_timeout) at the latest.
    pub fn drain(&self) {
        self.0.drain(false);
    }

    /// Ends the server immediately. Requests that are still unanswered get no reply.
    pub fn cut(&self) {
        self.0.enter_stage(Stage::Cutting);
    }

    // ANCHOR: signal
    /// Does what a signal asks for: the first one drains, a later one ends the server immediately.
    pub(crate) fn signal(&self) {
        if !self.0.signaled.swap(true, Ordering::SeqCst) {
            self.0.drain(true);
        } else if self.0.stage() == Stage::Draining && !self.0.is_sent_twice() {
            self.0.tell(&Event::Cutting);
            self.cut();
        }
    }
    // ANCHOR_END: signal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_the_first_round(ago: Option<Duration>) -> Stage {
        let shared = Arc::new(Shared::new(1, Vec::new()));
        let handle = Handle(Arc::clone(&shared));
        handle.signal();
        assert_eq!(shared.stage(), Stage::Draining);
        if let Some(ago) = ago {
            let over = Instant::now().checked_sub(ago).expect("it runs longer");
            shared.first_round.set(over).unwrap();
        }
        handle.signal();
        shared.stage()
    }

    #[test]
    fn the_observer_is_told_of_fewer_clients_when_serving_begins_and_whenever_there_are_fewer() {
        let shared = Shared::new(100, Vec::new());
        let (told, events) = std::sync::mpsc::channel();
        shared
            .observer
            .add(move |event| told.send(event.to_string()).unwrap());
        let set_room = |clients| {
            let lingering = 1;
            shared.set_room(Room { clients, lingering });
            shared.tell_of_fewer_clients();
            let lines = events.try_iter();
            let numbers = lines.map(|line| line.split(' ').nth(2).unwrap().to_owned());
            numbers.collect::<Vec<_>>()
        };
        assert!(set_room(60).is_empty(), "it does not serve yet");
        assert!(set_room(50).is_empty());
        shared.serving_begins();
        assert_eq!(set_room(50), ["50"], "once");
        assert_eq!(set_room(30), ["30"]);
        assert!(set_room(40).is_empty());
        assert_eq!(set_room(20), ["20"]);
    }

    #[test]
    fn a_signal_soon_after_the_first_is_the_first_sent_twice() {
        assert_eq!(after_the_first_round(None), Stage::Draining);
        let at_once = Some(Duration::ZERO);
        assert_eq!(after_the_first_round(at_once), Stage::Draining);
        assert_eq!(after_the_first_round(Some(SENT_TWICE)), Stage::Cutting);
    }
}
