//! The listening socket: accepting clients, and what happens when no descriptor is left.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use crate::poller::Poller;
use crate::transport::{Peer, Transport};

/// When to try again after a failed accept, unless a connection closes first.
const RETRY: Duration = Duration::from_millis(100);

/// Failed accepts are reported at most this often.
const REPORTED_AGAIN: Duration = Duration::from_secs(10);

/// The listening socket, which lives on the first worker.
pub(crate) struct Acceptor<T> {
    transport: T,
    /// A client may be waiting.
    ready: bool,
    /// When to try again, if accepting failed.
    retry_at: Option<Instant>,
    /// When a failed accept was last reported.
    reported: Option<Instant>,
}

/// The result of accepting.
pub(crate) enum Accepted<T: Transport> {
    Client(T::Stream, Peer),
    /// This client has already gone, or a signal arrived: try again.
    Again,
    /// No client is waiting.
    Nobody,
    /// Accepting currently fails, usually for lack of descriptors; with the error, if it should be
    /// reported.
    Failed(Option<io::Error>),
}

impl<T: Transport> Acceptor<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self {
            transport,
            ready: false,
            retry_at: None,
            reported: None,
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready
    }

    pub(crate) fn set_ready(&mut self) {
        self.ready = true;
    }

    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Gets ready to accept again, if it is time to.
    pub(crate) fn look_at_the_clock(&mut self, now: Instant) {
        self.ready |= self.retry_at.is_some_and(|retry_at| retry_at <= now);
    }

    pub(crate) fn admits(&self, peer: &Peer) -> bool {
        self.transport.admits(peer)
    }

    // ANCHOR: accept
    /// Accepts the next client.
    pub(crate) fn accept(&mut self, now: Instant) -> Accepted<T> {
        let error = match self.transport.accept() {
            Ok((stream, peer)) => {
                self.retry_at = None;
                return Accepted::Client(stream, peer);
            }
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::WouldBlock => {
                (self.ready, self.retry_at) = (false, None);
                Accepted::Nobody
            }
            ErrorKind::Interrupted | ErrorKind::ConnectionAborted => Accepted::Again,
            _ => {
                (self.ready, self.retry_at) = (false, Some(now + RETRY));
                let lately = |then| now.saturating_duration_since(then) < REPORTED_AGAIN;
                if self.reported.is_some_and(lately) {
                    return Accepted::Failed(None);
                }
                self.reported = Some(now);
                Accepted::Failed(Some(error))
            }
        }
    }
    // ANCHOR_END: accept

    /// Stops listening, and deregisters the listener from the poller. Closing alone would not
    /// deregister it while another process holds a copy of it, and the poller would keep reporting
    /// it: `epoll(7)`, question 6.
    pub(crate) fn close(mut self, poller: &Poller) -> io::Result<()> {
        poller.forget_listener(self.transport.listener());
        self.transport.on_drain()
    }
}
