//! One thread's loop: wait, give turns to the connections that are ready, look at the clock.
//!
//! The poller is edge-triggered: it reports a connection once, when something arrives. A worker
//! that stops before everything is read or accepted has to remember to come back: `turns` and the
//! acceptor's readiness do that. There is no periodic timer, unless a watchdog must be fed: only
//! the next deadline bounds the wait.
//!
//! However much clients send, each of them is in the queue for a turn only once, a turn is bounded,
//! and so is the work between two checks of the signals, the clock and the listener.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Instant;

use mio::Events;
use shared_proto::ErrorCode;

use crate::acceptor::{Accepted, Acceptor};
use crate::connection::{Connection, Next};
use crate::connections::Connections;
use crate::event::Event;
use crate::handover::{Handover, Newcomer};
use crate::limits::Limits;
use crate::poller::{Poller, Woken};
use crate::service::{Completion, Service};
use crate::shared::{Handle, Outcome, Shared, Stage};
use crate::signals::Arrivals;
use crate::transport::{Peer, Transport};
use crate::turn::Turn;
use crate::watchdog::Feeder;

const EVENTS_PER_WAIT: usize = 1024;

/// After accepting this many clients, the connected ones get their turns.
const CLIENTS_PER_LOOP: usize = 64;

/// After this many bytes, read and written, the signals, the clock and the listener are checked.
const WORK_PER_LOOP: usize = 256 * 1024;

/// How much a turn counts toward that besides its bytes: about as much time as its system calls
/// take.
const WORK_OF_A_TURN: usize = 256;

/// The most bytes that one read can return. All connections of a worker share this buffer.
const INPUT: usize = 256 * 1024;

/// The reply buffer grows beyond this only while a client needs it.
const REPLIES_KEPT: usize = 1024 * 1024;

// ANCHOR: worker
pub(crate) struct Worker<T: Transport, S> {
    parts: Parts<T, S>,
    now: Instant,
    connections: Connections<T>,
    /// Bytes read and written in this loop.
    work: usize,
    /// New clients or answers may be waiting in their channels.
    mail: bool,
    completions: (Sender<Completion>, Receiver<Completion>),
    drain_due: Option<Instant>,
    input: Box<[u8]>,
    replies: Vec<u8>,
}

/// What a worker is built from.
pub(crate) struct Parts<T: Transport, S> {
    /// The worker's number; 0 is the first.
    pub(crate) index: usize,
    pub(crate) poller: Poller,
    /// Only the first worker has one, until it drains.
    pub(crate) acceptor: Option<Acceptor<T>>,
    /// Like the acceptor: only the first worker's, until it drains.
    pub(crate) handover: Option<Handover<T::Stream>>,
    /// Only the first worker has them.
    pub(crate) signals: Option<Arrivals>,
    /// Only if there is a watchdog to feed.
    pub(crate) feeder: Option<Feeder>,
    /// Clients that the first worker passed on.
    pub(crate) newcomers: Receiver<Newcomer<T::Stream>>,
    pub(crate) limits: Limits,
    pub(crate) shared: Arc<Shared>,
    pub(crate) service: S,
}
// ANCHOR_END: worker

impl<T: Transport, S: Service> Worker<T, S> {
    pub(crate) fn new(parts: Parts<T, S>) -> Self {
        Self {
            now: Instant::now(),
            connections: Connections::new(),
            work: 0,
            mail: false,
            completions: channel(),
            drain_due: None,
            input: vec![0; INPUT].into(),
            replies: Vec::new(),
            parts,
        }
    }

    // ANCHOR: run
    /// Serves until the server is asked to end.
    pub(crate) fn run(mut self) -> io::Result<Outcome> {
        let mut events = Events::with_capacity(EVENTS_PER_WAIT);
        loop {
            match self.wait(&mut events) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => self.now = Instant::now(),
            }
            for event in &events {
                match Woken::by(event) {
                    Woken::Listener => self.set_acceptor_ready(),
                    Woken::Waker => self.woken(),
                    Woken::Signals => self.take_signals(),
                    Woken::Alarm => self.parts.poller.alarm_fired(),
                    Woken::Connection(key) => self.connections.named(key, event),
                }
            }
            self.give_turns();
            self.look_at_the_clock();
            self.take_mail();
            self.accept();
            if let Some(outcome) = self.end() {
                return Ok(outcome);
            }
        }
    }
    // ANCHOR_END: run

    // ANCHOR: wait
    /// Waits until the next deadline, and not at all while a connection is ready.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let acceptor = self.parts.acceptor.as_ref();
        let ready = acceptor.is_some_and(Acceptor::is_ready);
        if self.connections.waiting() > 0 || self.mail || ready {
            return self.parts.poller.look(events);
        }
        let retry_at = acceptor.and_then(Acceptor::retry_at);
        let feed_at = self.parts.feeder.as_ref().map(Feeder::due);
        let next = [
            self.connections.first_due(),
            retry_at,
            self.drain_due,
            feed_at,
        ];
        let due = next.into_iter().flatten().min();
        self.parts.poller.wait(events, due, self.now)
    }
    // ANCHOR_END: wait

    fn set_acceptor_ready(&mut self) {
        if let Some(acceptor) = &mut self.parts.acceptor {
            acceptor.set_ready();
        }
    }

    /// Handles a wake-up: another worker passed clients on, or closed a connection whose descriptor
    /// is needed here, or a late answer arrived.
    fn woken(&mut self) {
        self.mail = true;
        self.retry_accept();
    }

    fn take_signals(&mut self) {
        if self.parts.signals.as_mut().is_some_and(Arrivals::take) {
            Handle(Arc::clone(&self.parts.shared)).signal();
        }
    }

    // ANCHOR: turns
    /// Gives one turn to each waiting connection, until it is time to check the signals, the clock
    /// and the listener again.
    fn give_turns(&mut self) {
        self.work = 0;
        for _ in 0..self.connections.waiting() {
            if self.work >= WORK_PER_LOOP {
                return;
            }
            self.give_turn();
        }
    }

    /// Gives a turn to the connection that has waited longest, and returns which one it was.
    fn give_turn(&mut self) -> Option<usize> {
        let key = self.connections.next_turn()?;
        self.serve(key, Connection::turn);
        Some(key)
    }
    // ANCHOR_END: turns

    // ANCHOR: serve
    /// Lends a connection what it needs, and applies the outcome.
    fn serve(
        &mut self,
        key: usize,
        act: impl FnOnce(&mut Connection<T>, &mut Turn<'_, S>) -> Next,
    ) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let lingered = connection.is_lingering();
        self.replies.clear();
        let mut turn = Turn {
            service: &mut self.parts.service,
            input: &mut self.input,
            replies: &mut self.replies,
            limits: &self.parts.limits,
            shared: &self.parts.shared,
            completions: &self.completions.0,
            worker: self.parts.index,
            key,
            now: self.now,
            draining: self.drain_due.is_some(),
            work: 0,
        };
        let next = act(connection, &mut turn);
        self.work += turn.work + WORK_OF_A_TURN;
        debug_assert!(next == Next::Close || self.replies.is_empty());
        if self.replies.capacity() > REPLIES_KEPT {
            self.replies.shrink_to(REPLIES_KEPT);
        }
        if next == Next::Close {
            return self.close(key);
        }
        let poller = &self.parts.poller;
        match self.connections.settle(key, next == Next::Again, poller) {
            Ok(lingers) if lingers && !lingered => self.linger(key),
            Ok(_) => {}
            Err(_) => self.close(key),
        }
    }
    // ANCHOR_END: serve

    /// Handles a connection that has begun to linger. It no longer occupies a slot, so another
    /// client may be accepted. If too many connections are lingering now, closes the one that has
    /// lingered longest.
    fn linger(&mut self, key: usize) {
        self.retry_accept();
        let most = self.parts.shared.max_lingering() / self.parts.limits.workers;
        if let Some(longest) = self.connections.linger(key, most.max(1)) {
            self.close(longest);
        }
    }

    fn close(&mut self, key: usize) {
        self.connections.close(key, &self.parts.poller);
        self.retry_accept();
    }

    // ANCHOR: clock
    fn look_at_the_clock(&mut self) {
        while let Some(key) = self.connections.take_due(self.now) {
            self.serve(key, Connection::time_is_up);
        }
        if let Some(acceptor) = &mut self.parts.acceptor {
            acceptor.look_at_the_clock(self.now);
        }
        if let Some(feeder) = &mut self.parts.feeder {
            feeder.feed(self.now);
        }
    }
    // ANCHOR_END: clock

    /// Takes in new clients, and answers from other threads; not too many in one loop.
    fn take_mail(&mut self) {
        if !self.mail {
            return;
        }
        self.mail = false;
        self.take_newcomers(CLIENTS_PER_LOOP);
        for _ in 0..CLIENTS_PER_LOOP {
            let Ok(completion) = self.completions.1.try_recv() else {
                return;
            };
            let Completion { key, number, frame } = completion;
            self.serve(key, |connection, turn| {
                connection.complete(number, frame.as_deref(), turn)
            });
        }
        self.mail = true;
    }

    /// Takes in at most `most` new clients. Returns `false` once no more can arrive.
    fn take_newcomers(&mut self, most: usize) -> bool {
        for _ in 0..most {
            match self.parts.newcomers.try_recv() {
                Ok(newcomer) => self.admit(newcomer),
                Err(error) => return error == TryRecvError::Empty,
            }
        }
        self.mail = true;
        true
    }

    /// Tries again to accept after a connection was closed: a descriptor may be free now.
    fn retry_accept(&mut self) {
        if !self.parts.shared.accept_stalled.load(Ordering::Relaxed) {
            return;
        }
        match &mut self.parts.acceptor {
            Some(acceptor) => acceptor.set_ready(),
            None if self.parts.index > 0 => self.parts.shared.wake(0),
            None => {}
        }
    }

    // ANCHOR: accept
    /// Accepts clients, but not too many in one loop.
    fn accept(&mut self) {
        for _ in 0..CLIENTS_PER_LOOP {
            let Some(acceptor) = self.parts.acceptor.as_mut().filter(|a| a.is_ready()) else {
                return;
            };
            let stalled = &self.parts.shared.accept_stalled;
            match acceptor.accept(self.now) {
                Accepted::Client(stream, peer) if acceptor.admits(&peer) => {
                    self.welcome(stream, peer);
                }
                Accepted::Client(stream, peer) => {
                    let text = format!("this server does not serve {peer}");
                    self.turn_away(stream, peer, ErrorCode::NotAllowed, &text);
                }
                Accepted::Again => {}
                Accepted::Nobody => stalled.store(false, Ordering::Relaxed),
                Accepted::Failed(error) => {
                    stalled.store(true, Ordering::Relaxed);
                    if let Some(error) = error {
                        self.parts.shared.tell(&Event::CannotAccept(error));
                    }
                }
            }
        }
    }

    /// Assigns a slot and a worker to a client.
    fn welcome(&mut self, stream: T::Stream, peer: Peer) {
        let Some(slot) = self.parts.shared.take_slot() else {
            let most = self.parts.shared.max_clients();
            let text = format!("the server already has {most} clients");
            return self.turn_away(stream, peer, ErrorCode::Busy, &text);
        };
        let newcomer = Newcomer {
            stream,
            peer,
            slot,
            accepted: self.now,
        };
        let own = match &mut self.parts.handover {
            Some(handover) => handover.pass_on(newcomer, &self.parts.shared),
            None => Some(newcomer),
        };
        if let Some(newcomer) = own {
            self.admit(newcomer);
        }
    }
    // ANCHOR_END: accept

    /// Takes in a new client, which this worker serves from now on.
    fn admit(&mut self, newcomer: Newcomer<T::Stream>) {
        let Newcomer {
            stream,
            peer,
            slot,
            accepted,
        } = newcomer;
        let limits = &self.parts.limits;
        self.add(Connection::new(stream, peer, Some(slot), accepted, limits));
    }

    fn turn_away(&mut self, stream: T::Stream, peer: Peer, code: ErrorCode, text: &str) {
        let connection = Connection::new(stream, peer, None, self.now, &self.parts.limits);
        if let Some(key) = self.add(connection) {
            self.serve(key, |connection, turn| {
                connection.turn_away(code, format_args!("{text}"), turn)
            });
        }
    }

    /// Adds a connection, and watches it from now on. Returns its key; `None` if the poller cannot
    /// watch it.
    fn add(&mut self, connection: Connection<T>) -> Option<usize> {
        let key = self.connections.add(connection, &self.parts.poller)?;
        if self.drain_due.is_some() {
            // A draining worker reads from it without waiting for the poller to report it.
            self.connections.queue_to_the_end(key);
        }
        Some(key)
    }

    // ANCHOR: end
    /// Begins to drain when told to, and returns how serving ended.
    fn end(&mut self) -> Option<Outcome> {
        match self.parts.shared.stage() {
            Stage::Serving => return None,
            Stage::Draining => {}
            Stage::Cutting => return Some(Outcome::Cut),
        }
        match self.drain_due {
            None => self.drain(),
            Some(_) => self.parts.shared.first_round_is_over(),
        }
        if !self.take_newcomers(usize::MAX) && self.connections.is_empty() {
            return Some(Outcome::Drained);
        }
        if self.drain_due.is_none_or(|due| self.now < due) {
            return None;
        }
        Some(self.last_turns())
    }

    /// The deadline has passed. Connections that are still waiting for a turn may have nothing left
    /// to do. Each gets its turn, until the first one that still has work left decides the outcome.
    fn last_turns(&mut self) -> Outcome {
        for _ in 0..self.connections.waiting() {
            let served = self.give_turn();
            let served = served.and_then(|key| self.connections.get_mut(key));
            if served.is_some_and(|connection| !connection.is_lingering()) {
                return Outcome::Cut;
            }
        }
        if self.connections.all_linger() {
            Outcome::Drained
        } else {
            Outcome::Cut
        }
    }
    // ANCHOR_END: end

    // ANCHOR: drain
    fn drain(&mut self) {
        self.drain_due = Some(self.now + self.parts.limits.drain_timeout);
        if let Some(acceptor) = self.parts.acceptor.take()
            && let Err(error) = acceptor.close(&self.parts.poller)
        {
            self.parts.shared.tell(&Event::LeftBehind(error));
        }
        if let Some(handover) = self.parts.handover.take() {
            handover.end(&self.parts.shared);
        }
        self.connections.queue_all();
    }
    // ANCHOR_END: drain
}
