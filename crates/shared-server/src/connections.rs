//! A worker's connections: which wait for a turn, whose time is up next, which linger.

use std::collections::VecDeque;
use std::io;
use std::time::Instant;

use slab::Slab;

use crate::connection::Connection;
use crate::deadlines::Deadlines;
use crate::poller::{Poller, Watch};
use crate::transport::Transport;

// ANCHOR: connections
pub(crate) struct Connections<T: Transport> {
    slab: Slab<Connection<T>>,
    deadlines: Deadlines,
    /// Those that wait for a turn, each once, the next one first.
    turns: VecDeque<usize>,
    /// Those that linger, the longest first.
    lingering: VecDeque<usize>,
    most_lingering: usize,
}
// ANCHOR_END: connections

impl<T: Transport> Connections<T> {
    pub(crate) fn new(most_lingering: usize) -> Self {
        Self {
            slab: Slab::new(),
            deadlines: Deadlines::default(),
            turns: VecDeque::new(),
            lingering: VecDeque::new(),
            most_lingering,
        }
    }

    pub(crate) fn get_mut(&mut self, key: usize) -> Option<&mut Connection<T>> {
        self.slab.get_mut(key)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slab.is_empty()
    }

    /// Those have all their replies.
    pub(crate) fn all_linger(&self) -> bool {
        self.slab.len() == self.lingering.len()
    }

    pub(crate) fn is_lingering(&self, key: usize) -> bool {
        self.slab.get(key).is_some_and(Connection::is_lingering)
    }

    /// Watches a connection from now on; `None` if the poller will not.
    pub(crate) fn add(&mut self, connection: Connection<T>, poller: &Poller) -> Option<usize> {
        let key = self.slab.insert(connection);
        if poller.watch(&mut self.slab[key].stream, key).is_err() {
            self.slab.remove(key);
            return None;
        }
        self.enter(key);
        Some(key)
    }

    // ANCHOR: queue
    /// The connection waits for a turn from now on: once, however often it is named before.
    pub(crate) fn queue(&mut self, key: usize) {
        if let Some(connection) = self.slab.get_mut(key)
            && !connection.queued
        {
            connection.queued = true;
            self.turns.push_back(key);
        }
    }

    /// All of them wait for a turn, and read until nothing is left.
    pub(crate) fn queue_all(&mut self) {
        let keys: Vec<usize> = self.slab.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.slab[key].may_hold_more = true;
            self.queue(key);
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.turns.len()
    }

    /// The one that has waited longest.
    pub(crate) fn next_turn(&mut self) -> Option<usize> {
        let key = self.turns.pop_front()?;
        self.slab[key].queued = false;
        Some(key)
    }
    // ANCHOR_END: queue

    /// When to look at the clock again; not later than the first deadline.
    pub(crate) fn first_due(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    // ANCHOR: clock
    /// A connection whose time is up. One that waits for its turn is passed over: what came in
    /// time may still have to be read, and the turn enters it again.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<usize> {
        while let Some(key) = self.deadlines.take_due(now) {
            let connection = &mut self.slab[key];
            connection.entry.taken();
            if connection.due().is_none_or(|due| now < due) {
                self.enter(key);
            } else if connection.is_lingering() || !connection.queued {
                return Some(key);
            }
        }
        None
    }
    // ANCHOR_END: clock

    /// Sees to it that its deadline is not missed.
    pub(crate) fn enter(&mut self, key: usize) {
        let connection = &mut self.slab[key];
        let due = connection.due();
        self.deadlines.enter(key, due, &mut connection.entry);
    }

    // ANCHOR: watch
    /// Asks for writability while replies wait, and gives it back when they are delivered. Asking
    /// anew also makes the poller name what came meanwhile.
    pub(crate) fn watch(&mut self, key: usize, poller: &Poller) -> io::Result<()> {
        let connection = &mut self.slab[key];
        let writing = connection.waits_for_writing();
        if writing == connection.watched_for_writing {
            return Ok(());
        }
        connection.watched_for_writing = writing;
        let watch = if writing {
            Watch::Writing
        } else {
            Watch::Reading
        };
        poller.rewatch(&mut connection.stream, key, watch)
    }
    // ANCHOR_END: watch

    /// Lets the connection linger. The one that has lingered longest, if there are too many.
    pub(crate) fn linger(&mut self, key: usize) -> Option<usize> {
        self.lingering.push_back(key);
        if self.lingering.len() > self.most_lingering {
            return self.lingering.front().copied();
        }
        None
    }

    // ANCHOR: close
    pub(crate) fn close(&mut self, key: usize, poller: &Poller) {
        let mut connection = self.slab.remove(key);
        self.deadlines.forget(key, &mut connection.entry);
        if connection.is_lingering() {
            self.lingering.retain(|other| *other != key);
        }
        if connection.queued {
            self.turns.retain(|other| *other != key);
        }
        connection.give_back_slot();
        poller.forget(&mut connection.stream);
    }
    // ANCHOR_END: close
}
