//! Several connection attempts at the same time, with one wait for all of them.

use crate::ConnectError;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Connection attempts that have begun. Dropping it closes those that did not succeed.
pub(crate) struct Attempts {
    poll: Poll,
    events: Events,
    /// In the order in which they began; the token of each is its index here.
    begun: Vec<Attempt>,
}

struct Attempt {
    address: SocketAddr,
    /// The outcome until now; an error is the reason why the attempt failed.
    outcome: io::Result<mio::net::TcpStream>,
}

impl Attempts {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Attempts {
            poll: Poll::new()?,
            events: Events::with_capacity(16),
            begun: Vec::new(),
        })
    }

    /// Begins an attempt. Returns whether it is pending; if not, it has already failed.
    pub(crate) fn begin(&mut self, address: SocketAddr) -> bool {
        let token = Token(self.begun.len());
        let outcome = mio::net::TcpStream::connect(address).and_then(|mut stream| {
            let registry = self.poll.registry();
            // A connected socket is writable, and so is a failed one: connect(2).
            registry.register(&mut stream, token, Interest::WRITABLE)?;
            Ok(stream)
        });
        let is_pending = outcome.is_ok();
        self.begun.push(Attempt { address, outcome });
        is_pending
    }

    pub(crate) fn none_is_pending(&self) -> bool {
        self.begun.iter().all(|attempt| attempt.outcome.is_err())
    }

    /// Waits for the first connection; `None` if the deadline has passed, or an attempt has failed.
    pub(crate) fn wait(&mut self, patience: Duration) -> io::Result<Option<TcpStream>> {
        let started = Instant::now();
        loop {
            let left = patience.saturating_sub(started.elapsed());
            match self.poll.poll(&mut self.events, Some(left)) {
                // A stop (Ctrl-Z) ends a wait: signal(7).
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            let mut failed = false;
            for event in &self.events {
                let attempt = &mut self.begun[event.token().0];
                match attempt.settle() {
                    Ok(Some(stream)) => return Ok(Some(stream)),
                    Ok(None) => {}
                    Err(error) => {
                        attempt.outcome = Err(error);
                        failed = true;
                    }
                }
            }
            if failed || started.elapsed() >= patience {
                return Ok(None);
            }
        }
    }

    /// The deadline has passed: gives up all pending attempts, and returns the error. The addresses
    /// in `untried` (in reverse order) were never tried.
    pub(crate) fn give_up(self, untried: &[SocketAddr]) -> ConnectError {
        let silent = || io::Error::new(ErrorKind::TimedOut, "no answer in time");
        let tried = self.begun.into_iter().map(|attempt| {
            let reason = attempt.outcome.err().unwrap_or_else(silent);
            (attempt.address, reason)
        });
        let untried = untried.iter().rev().map(|address| (*address, silent()));
        ConnectError::Unreachable(tried.chain(untried).collect())
    }
}

impl Attempt {
    /// The attempt's result: `None` while it is pending.
    fn settle(&mut self) -> io::Result<Option<TcpStream>> {
        let Ok(stream) = &self.outcome else {
            return Ok(None);
        };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            // If nothing is listening on a port from the range that the system assigns to clients,
            // it may assign that very port, and the socket is then connected to itself.
            Ok(peer) if stream.local_addr()? == peer => Err(ErrorKind::ConnectionRefused.into()),
            Ok(_) => self.connected().map(Some),
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn connected(&mut self) -> io::Result<TcpStream> {
        let taken = Err(ErrorKind::Other.into());
        let stream = TcpStream::from(std::mem::replace(&mut self.outcome, taken)?);
        stream.set_nonblocking(false)?;
        // A request is written in one call, so there is nothing to wait for before it is sent:
        // tcp(7).
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}
