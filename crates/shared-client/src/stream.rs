//! A stream whose reads end by a deadline.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// What a client needs of a connected socket: bytes both ways, timeouts, a second handle to write
/// through while the first one reads, and an end.
pub trait Stream: Read + Write + Send + Sized {
    /// The longest that one read waits (`SO_RCVTIMEO`).
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`, and a timeout of zero.
    fn set_read_timeout(&self, timeout: Duration) -> io::Result<()>;

    /// The longest that one write waits (`SO_SNDTIMEO`).
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`, and a timeout of zero.
    fn set_write_timeout(&self, timeout: Duration) -> io::Result<()>;

    /// Another handle to the same connection.
    ///
    /// # Errors
    ///
    /// Those of `dup(2)`: too many descriptors are open.
    fn try_clone(&self) -> io::Result<Self>;

    /// Ends one direction or both, and wakes whoever waits there.
    ///
    /// # Errors
    ///
    /// Those of `shutdown(2)`: the connection is gone already.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;
}

macro_rules! stream {
    ($stream:ty) => {
        impl Stream for $stream {
            fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
                self.set_read_timeout(Some(timeout))
            }

            fn set_write_timeout(&self, timeout: Duration) -> io::Result<()> {
                self.set_write_timeout(Some(timeout))
            }

            fn try_clone(&self) -> io::Result<Self> {
                self.try_clone()
            }

            fn shutdown(&self, how: Shutdown) -> io::Result<()> {
                self.shutdown(how)
            }
        }
    };
}

stream!(TcpStream);
#[cfg(unix)]
stream!(std::os::unix::net::UnixStream);

/// How far a wait may pass its deadline before the socket is told a new timeout: one part in so
/// many. It spares a reply that comes in several reads a system call for each.
const SLACK: u32 = 16;

/// A stream that reads until a deadline, however many reads that takes.
///
/// The socket knows the timeout of one read only, which a peer that sends a byte now and then
/// never reaches. So each read after the first is given what is left. The usual wait is one read,
/// for which the timeout that was set at the start still holds: it costs no system call.
#[derive(Debug)]
pub(crate) struct Bounded<S> {
    stream: S,
    timeout: Duration,
    started: Instant,
    reads: u32,
    /// What the socket was told last.
    set: Duration,
}

impl<S: Stream> Bounded<S> {
    pub(crate) fn new(stream: S, timeout: Duration) -> io::Result<Self> {
        stream.set_read_timeout(timeout)?;
        stream.set_write_timeout(timeout)?;
        Ok(Bounded {
            stream,
            timeout,
            started: Instant::now(),
            reads: 0,
            set: timeout,
        })
    }

    /// The next reads together end by `timeout` from now.
    pub(crate) fn start(&mut self) {
        self.started = Instant::now();
        self.reads = 0;
    }

    pub(crate) fn stream(&self) -> &S {
        &self.stream
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    fn set_what_is_left(&mut self) -> io::Result<()> {
        let left = match self.reads {
            0 => self.timeout,
            _ => self.timeout.saturating_sub(self.started.elapsed()),
        };
        self.reads = self.reads.saturating_add(1);
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        if left > self.set || self.set - left > self.timeout / SLACK {
            self.stream.set_read_timeout(left)?;
            self.set = left;
        }
        Ok(())
    }
}

impl<S: Stream> Read for Bounded<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.set_what_is_left()?;
        self.stream.read(buffer)
    }
}

impl<S: Stream> Write for Bounded<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Whether a timeout of the socket passed: Unix says `EAGAIN`, Windows `WSAETIMEDOUT`.
pub(crate) fn timed_out(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Whether the peer is gone: nothing more can be written, but what it sent may still be read.
pub(crate) fn peer_is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::NotConnected
    )
}
