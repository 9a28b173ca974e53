//! One thread's loop: wait, serve who is ready, look at the clock.
//!
//! The poller is edge-triggered: it names a connection once, when something came. Whoever stops
//! before everything is read or accepted has to remember to come back: `again` and
//! `Door::knocked` do. There is no periodic timer: the wait is bounded by the next deadline alone.

use crate::accepting::{Arrival, Door};
use crate::alarm::Alarm;
use crate::answering::Desk;
use crate::connection::{Connection, Next};
use crate::deadlines::Deadlines;
use crate::limits::Limits;
use crate::server::Outcome;
use crate::service::Service;
use crate::shared::{Handle, Shared, Stage};
use crate::signals::Signals;
use crate::transport::Transport;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

pub(crate) const LISTENER: Token = Token(usize::MAX);
pub(crate) const WAKER: Token = Token(usize::MAX - 1);
pub(crate) const SIGNALS: Token = Token(usize::MAX - 2);
pub(crate) const ALARM: Token = Token(usize::MAX - 3);

const EVENTS_A_WAIT: usize = 1024;

/// Bytes that one read can bring. All connections of a worker share this buffer.
const INPUT: usize = 256 * 1024;

/// Replies grow beyond this only while a client needs it.
const REPLIES_KEPT: usize = 1024 * 1024;

// ANCHOR: worker
pub(crate) struct Worker<T: Transport, S> {
    pub(crate) poll: Poll,
    alarm: Alarm,
    pub(crate) limits: Limits,
    pub(crate) shared: Arc<Shared>,
    pub(crate) now: Instant,
    /// Only the first worker has one, and only until it drains.
    pub(crate) door: Option<Door<T>>,
    /// Only the first worker has them.
    pub(crate) signals: Option<Signals>,
    arrivals: Receiver<Arrival<T::Stream>>,
    connections: Slab<Connection<T>>,
    deadlines: Deadlines,
    /// Who is to be served without being named by the poller.
    again: Vec<usize>,
    /// The connections that linger, the longest first.
    lingering: VecDeque<usize>,
    most_lingering: usize,
    drain_due: Option<Instant>,
    input: Box<[u8]>,
    replies: Vec<u8>,
    service: S,
}
// ANCHOR_END: worker

impl<T: Transport, S: Service> Worker<T, S> {
    pub(crate) fn new(
        (poll, alarm): (Poll, Alarm),
        door: Option<Door<T>>,
        arrivals: Receiver<Arrival<T::Stream>>,
        (limits, most_lingering): (Limits, usize),
        shared: Arc<Shared>,
        service: S,
    ) -> Self {
        Worker {
            poll,
            alarm,
            limits,
            shared,
            now: Instant::now(),
            door,
            signals: None,
            arrivals,
            connections: Slab::new(),
            deadlines: Deadlines::default(),
            again: Vec::new(),
            lingering: VecDeque::new(),
            most_lingering,
            drain_due: None,
            input: vec![0; INPUT].into(),
            replies: Vec::new(),
            service,
        }
    }

    // ANCHOR: run
    /// Serves until it is told to end.
    pub(crate) fn run(mut self) -> io::Result<Outcome> {
        let mut events = Events::with_capacity(EVENTS_A_WAIT);
        loop {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => self.now = Instant::now(),
            }
            let again = std::mem::take(&mut self.again);
            for event in &events {
                match event.token() {
                    LISTENER => self.door.iter_mut().for_each(|door| door.knocked = true),
                    WAKER => self.woken(),
                    SIGNALS => self.take_signals(),
                    ALARM => self.alarm.rang(),
                    Token(key) => self.take_turn(key, event.is_read_closed()),
                }
            }
            for key in again {
                self.take_turn(key, true);
            }
            self.look_at_the_clock();
            if self.door.as_ref().is_some_and(|door| door.knocked) {
                self.accept();
            }
            if let Some(outcome) = self.end() {
                return Ok(outcome);
            }
        }
    }
    // ANCHOR_END: run

    // ANCHOR: timeout
    /// How long to wait: until the next deadline, and not at all while somebody is to be served.
    fn timeout(&mut self) -> Option<Duration> {
        let door = self.door.as_ref();
        if !self.again.is_empty() || door.is_some_and(|door| door.knocked) {
            return Some(Duration::ZERO);
        }
        let retry = door.and_then(|door| door.retry);
        let next = [self.deadlines.first(), retry, self.drain_due];
        self.alarm.set(next.into_iter().flatten().min(), self.now)
    }
    // ANCHOR_END: timeout

    fn take_turn(&mut self, key: usize, to_the_end: bool) {
        let to_the_end = to_the_end || self.drain_due.is_some();
        self.serve(key, |connection, input, desk| {
            connection.turn(to_the_end, input, desk)
        });
    }

    /// Another worker passed clients on, or closed a connection whose descriptor is wanted here.
    fn woken(&mut self) {
        self.take_arrivals();
        if self.door.is_some() {
            self.retry_accept();
        }
    }

    /// Takes in the clients that the first worker passed on; `false` when no more can come.
    fn take_arrivals(&mut self) -> bool {
        loop {
            match self.arrivals.try_recv() {
                Ok(arrival) => self.admit(arrival),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn take_signals(&mut self) {
        if self.signals.as_mut().is_some_and(Signals::take) {
            Handle(Arc::clone(&self.shared)).signal();
        }
    }

    /// Watches a connection from now on; `None` if the poller will not.
    pub(crate) fn add(&mut self, connection: Connection<T>) -> Option<usize> {
        let key = self.connections.insert(connection);
        let connection = &mut self.connections[key];
        let registry = self.poll.registry();
        if registry
            .register(&mut connection.stream, Token(key), Interest::READABLE)
            .is_err()
        {
            self.connections.remove(key);
            return None;
        }
        self.deadlines.enter(key, &mut connection.deadline);
        if self.drain_due.is_some() {
            self.again.push(key); // the poller names only those from whom something came
        }
        Some(key)
    }

    // ANCHOR: serve
    /// Gives a connection a turn, and does what is to be done afterwards.
    pub(crate) fn serve(
        &mut self,
        key: usize,
        turn: impl FnOnce(&mut Connection<T>, &mut [u8], &mut Desk<'_, S>) -> Next,
    ) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let lingered = connection.is_lingering();
        self.replies.clear();
        let mut desk = Desk {
            service: &mut self.service,
            replies: &mut self.replies,
            limits: &self.limits,
            shared: &self.shared,
            now: self.now,
            draining: self.drain_due.is_some(),
            moved: false,
        };
        let next = turn(connection, &mut self.input, &mut desk);
        if self.replies.capacity() > REPLIES_KEPT {
            self.replies.shrink_to(REPLIES_KEPT);
        }
        if next == Next::Close || self.watch(key).is_err() {
            return self.close(key);
        }
        if next == Next::Again {
            self.again.push(key);
        }
        let connection = &mut self.connections[key];
        self.deadlines.enter(key, &mut connection.deadline);
        if connection.is_lingering() && !lingered {
            self.linger(key);
        }
    }
    // ANCHOR_END: serve

    // ANCHOR: watch
    /// Asks for writability while replies wait, and gives it back when they are delivered. Asking
    /// anew also makes the poller name what came meanwhile.
    fn watch(&mut self, key: usize) -> io::Result<()> {
        let connection = &mut self.connections[key];
        let writing = connection.waits_for_writing();
        if writing == connection.watched_for_writing {
            return Ok(());
        }
        connection.watched_for_writing = writing;
        let interest = if writing {
            Interest::WRITABLE
        } else {
            Interest::READABLE
        };
        self.poll
            .registry()
            .reregister(&mut connection.stream, Token(key), interest)
    }
    // ANCHOR_END: watch

    /// Lets the connection linger, at the cost of the one that has lingered longest.
    fn linger(&mut self, key: usize) {
        self.retry_accept();
        self.lingering.push_back(key);
        if self.lingering.len() > self.most_lingering
            && let Some(longest) = self.lingering.front()
        {
            self.close(*longest);
        }
    }

    // ANCHOR: close
    fn close(&mut self, key: usize) {
        let mut connection = self.connections.remove(key);
        self.deadlines.forget(key, &mut connection.deadline);
        if connection.is_lingering() {
            self.lingering.retain(|other| *other != key);
        }
        let _ = self.poll.registry().deregister(&mut connection.stream);
        drop(connection);
        self.retry_accept();
    }
    // ANCHOR_END: close

    // ANCHOR: clock
    fn look_at_the_clock(&mut self) {
        while let Some(key) = self.deadlines.take_due(self.now) {
            let connection = &mut self.connections[key];
            connection.deadline.taken();
            if connection.deadline.is_due(self.now) {
                self.serve(key, Connection::time_is_up);
            } else {
                self.deadlines.enter(key, &mut connection.deadline);
            }
        }
        if let Some(door) = &mut self.door
            && door.retry.is_some_and(|retry| retry <= self.now)
        {
            door.knocked = true;
        }
    }
    // ANCHOR_END: clock

    // ANCHOR: end
    /// Begins to drain when told so, and says how it ended.
    fn end(&mut self) -> Option<Outcome> {
        match self.shared.stage() {
            Stage::Serving => return None,
            Stage::Draining => {}
            Stage::Cutting => return Some(Outcome::Cut),
        }
        if self.drain_due.is_none() {
            self.drain();
        }
        if !self.take_arrivals() && self.connections.is_empty() {
            return Some(Outcome::Drained);
        }
        if self.drain_due.is_none_or(|due| self.now < due) {
            return None;
        }
        // Lingering connections have all their replies.
        let all_lingering = self.connections.len() == self.lingering.len();
        Some(if all_lingering {
            Outcome::Drained
        } else {
            Outcome::Cut
        })
    }
    // ANCHOR_END: end

    // ANCHOR: drain
    fn drain(&mut self) {
        self.drain_due = Some(self.now + self.limits.drain_timeout);
        if let Some(mut door) = self.door.take() {
            door.transport.retire();
            let others = door.others.len();
            drop(door);
            // They wait for the last of those that this worker passed on.
            (1..=others).for_each(|worker| self.shared.wake(worker));
        }
        let keys: Vec<usize> = self.connections.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.take_turn(key, true);
        }
        self.shared.first_round_is_over();
    }
    // ANCHOR_END: drain
}
