//! A worker's connections: which are waiting for a turn, whose deadline is next, which are
//! lingering.

use std::collections::VecDeque;
use std::io;
use std::time::Instant;

use mio::event::Event;
use slab::Slab;

use crate::connection::Connection;
use crate::deadlines::Deadlines;
use crate::poller::{self, Poller, Watch};
use crate::transport::Transport;

// ANCHOR: connections
pub(crate) struct Connections<T: Transport> {
    slab: Slab<Connection<T>>,
    deadlines: Deadlines,
    /// The connections that are waiting for a turn, each once; the next one comes first.
    turns: VecDeque<usize>,
    /// The connections that are lingering; the one that has lingered longest comes first.
    lingering: VecDeque<usize>,
}
// ANCHOR_END: connections

impl<T: Transport> Connections<T> {
    pub(crate) fn new() -> Self {
        Self {
            slab: Slab::new(),
            deadlines: Deadlines::default(),
            turns: VecDeque::new(),
            lingering: VecDeque::new(),
        }
    }

    pub(crate) fn get_mut(&mut self, key: usize) -> Option<&mut Connection<T>> {
        self.slab.get_mut(key)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slab.is_empty()
    }

    /// Whether all connections are lingering, so that none can get another reply.
    pub(crate) fn all_linger(&self) -> bool {
        self.slab.len() == self.lingering.len()
    }

    /// Adds a connection, and watches it from now on. Returns its key; `None` if the poller cannot
    /// watch it.
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
    /// Queues a connection that the poller reported for a turn: one turn, however often the poller
    /// reports it before that.
    pub(crate) fn named(&mut self, key: usize, event: &Event) {
        if let Some(connection) = self.slab.get_mut(key) {
            connection.may_hold_more |= poller::may_hold_more(event);
            connection.gone |= poller::is_gone(event);
            queue(connection, key, &mut self.turns);
        }
    }

    /// Queues all connections for a turn in which they are read from until nothing is left.
    pub(crate) fn queue_all(&mut self) {
        let keys: Vec<usize> = self.slab.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.queue_to_the_end(key);
        }
    }

    /// Queues a connection for a turn in which it is read from until nothing is left.
    pub(crate) fn queue_to_the_end(&mut self, key: usize) {
        let connection = &mut self.slab[key];
        connection.may_hold_more = true;
        queue(connection, key, &mut self.turns);
    }

    pub(crate) fn waiting(&self) -> usize {
        self.turns.len()
    }

    /// Takes the connection that has waited longest for its turn.
    pub(crate) fn next_turn(&mut self) -> Option<usize> {
        let key = self.turns.pop_front()?;
        self.slab[key].queued = false;
        Some(key)
    }
    // ANCHOR_END: queue

    /// Returns when to look at the clock again, which is no later than the first deadline.
    pub(crate) fn first_due(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    // ANCHOR: clock
    /// Takes a connection whose deadline has passed. Skips a connection that is waiting for its
    /// turn: bytes that arrived in time may still have to be read, and after the turn its deadline
    /// is entered again.
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

    /// Enters the connection's deadline, so that it is not missed.
    fn enter(&mut self, key: usize) {
        let connection = &mut self.slab[key];
        let due = connection.due();
        self.deadlines.enter(key, due, &mut connection.entry);
    }

    // ANCHOR: settle
    /// After a connection's turn: sets what it is watched for, enters its deadline, and queues it
    /// if it gets another turn. Returns whether it is lingering.
    pub(crate) fn settle(&mut self, key: usize, again: bool, poller: &Poller) -> io::Result<bool> {
        let connection = &mut self.slab[key];
        watch(connection, key, poller)?;
        if again {
            queue(connection, key, &mut self.turns);
        }
        let due = connection.due();
        self.deadlines.enter(key, due, &mut connection.entry);
        Ok(connection.is_lingering())
    }
    // ANCHOR_END: settle

    /// Counts the connection among the lingering ones. If there are more than `most` now, returns
    /// the one that has lingered longest.
    pub(crate) fn linger(&mut self, key: usize, most: usize) -> Option<usize> {
        self.lingering.push_back(key);
        if self.lingering.len() > most {
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

fn queue<T: Transport>(connection: &mut Connection<T>, key: usize, turns: &mut VecDeque<usize>) {
    if !connection.queued {
        connection.queued = true;
        turns.push_back(key);
    }
}

// ANCHOR: watch
/// Asks for writability while replies are pending, and stops when they are delivered. Asking again
/// also makes the poller report what arrived meanwhile.
fn watch<T: Transport>(
    connection: &mut Connection<T>,
    key: usize,
    poller: &Poller,
) -> io::Result<()> {
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
