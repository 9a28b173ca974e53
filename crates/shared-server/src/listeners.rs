//! Several listening sockets that act as one.

use std::cell::Cell;
use std::io::{self, ErrorKind};

use mio::event::Source;
use mio::{Interest, Registry, Token};

/// The listening sockets of one transport: one that it created, or those that were passed to it.
/// All of them are registered with the poller under the same token, so the poller does not say at
/// which of them a client is waiting: [`accept`](Self::accept) tries each.
#[derive(Debug)]
pub struct Listeners<L> {
    all: Vec<L>,
    /// Whose turn it is, so that a crowd at one listener does not keep the clients of the others
    /// waiting.
    next: Cell<usize>,
}

impl<L> Listeners<L> {
    /// Creates a group of these listeners.
    #[must_use]
    pub fn new(all: Vec<L>) -> Self {
        Self {
            all,
            next: Cell::new(0),
        }
    }

    /// Returns an iterator over the listeners.
    pub fn iter(&self) -> impl Iterator<Item = &L> {
        self.all.iter()
    }

    /// Tries `accept` on one listener after another, until a listener returns something other than
    /// `WouldBlock`. The next call begins with the listener that follows it, so that all listeners
    /// get their turn.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if no client is waiting on any listener; any other error as soon as a listener
    /// returns it.
    pub fn accept<T>(&self, accept: impl Fn(&L) -> io::Result<T>) -> io::Result<T> {
        let count = self.all.len();
        for at in (0..count).map(|step| (self.next.get() + step) % count) {
            match accept(&self.all[at]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                accepted => {
                    self.next.set(at + 1);
                    return accepted;
                }
            }
        }
        Err(ErrorKind::WouldBlock.into())
    }
}

impl<L: Source> Source for Listeners<L> {
    fn register(&mut self, registry: &Registry, token: Token, watch: Interest) -> io::Result<()> {
        let mut all = self.all.iter_mut();
        all.try_for_each(|listener| listener.register(registry, token, watch))
    }

    fn reregister(&mut self, registry: &Registry, token: Token, watch: Interest) -> io::Result<()> {
        let mut all = self.all.iter_mut();
        all.try_for_each(|listener| listener.reregister(registry, token, watch))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        let mut all = self.all.iter_mut();
        all.try_for_each(|listener| listener.deregister(registry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_at_one_listener_keeps_nobody_else_waiting() {
        let crowds = [Cell::new(100), Cell::new(0), Cell::new(2)];
        let listeners = Listeners::new((0..crowds.len()).collect());
        let accept = |at: &usize| match crowds[*at].get() {
            0 => Err(ErrorKind::WouldBlock.into()),
            crowd => {
                crowds[*at].set(crowd - 1);
                Ok(*at)
            }
        };
        let accepted: Vec<usize> = (0..5).map(|_| listeners.accept(accept).unwrap()).collect();
        assert_eq!(accepted, [0, 2, 0, 2, 0]);
        (0..97).for_each(|_| assert_eq!(listeners.accept(accept).unwrap(), 0));
        let error = listeners.accept(accept).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
}
