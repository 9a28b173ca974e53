//! A stream with a deadline for a whole series of reads.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// What a client needs from a connected socket: bytes both ways, timeouts, a second handle to write
/// through while the first one reads, and a way to end the stream.
pub trait Stream: Read + Write + Send + Sized {
    /// Sets how long one read waits at most (`SO_RCVTIMEO`, `socket(7)`).
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`; a timeout of zero is also an error.
    fn set_read_timeout(&self, timeout: Duration) -> io::Result<()>;

    /// Sets how long one write waits at most (`SO_SNDTIMEO`, `socket(7)`).
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`; a timeout of zero is also an error.
    fn set_write_timeout(&self, timeout: Duration) -> io::Result<()>;

    /// Returns whether the peer has ended the stream and nothing is left to read, without waiting
    /// and without taking anything: [`Client`](crate::Client) asks before it sends a request. A
    /// stream that can't know this returns `false`; then a client notices the end only after
    /// sending.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    fn has_ended(&self) -> io::Result<bool>;

    /// Creates another handle to the same connection.
    ///
    /// # Errors
    ///
    /// Those of `dup(2)`, usually because too many descriptors are open.
    fn try_clone(&self) -> io::Result<Self>;

    /// Ends one direction of the connection or both, and wakes any thread that is waiting to read
    /// or write there.
    ///
    /// # Errors
    ///
    /// Those of `shutdown(2)`, usually because the connection is already gone.
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

            fn has_ended(&self) -> io::Result<bool> {
                match peek(self) {
                    Ok(bytes) => Ok(bytes == 0),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
                    Err(error) if peer_is_gone(&error) => Ok(true),
                    Err(error) => Err(error),
                }
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

/// A read of one byte that doesn't take it and doesn't wait: `MSG_PEEK` and `MSG_DONTWAIT` in
/// `recv(2)`.
#[cfg(unix)]
fn peek(socket: &impl std::os::fd::AsFd) -> io::Result<usize> {
    use rustix::io::retry_on_intr;
    use rustix::net::{RecvFlags, recv};
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    let (_, bytes) = retry_on_intr(|| recv(socket, &mut [0], flags))?;
    Ok(bytes)
}

/// A read of one byte that doesn't take it and doesn't wait.
#[cfg(not(unix))]
fn peek(socket: &TcpStream) -> io::Result<usize> {
    socket.set_nonblocking(true)?;
    let bytes = socket.peek(&mut [0]);
    socket.set_nonblocking(false)?;
    bytes
}

/// How far a wait may pass its deadline before the socket gets a new timeout: one part in this
/// many. It saves a system call per read when a reply arrives in several reads.
const SLACK: u32 = 16;

/// A stream that reads until a deadline, however many reads that takes.
///
/// The socket's timeout bounds only a single read, and a peer that sends a byte now and then never
/// reaches it. So each read after the first gets only the time that is left. The usual wait is one
/// read, for which the timeout that was set at the start still holds: it costs no system call.
#[derive(Debug)]
pub(crate) struct DeadlineStream<S> {
    stream: S,
    timeout: Duration,
    started: Instant,
    reads: u32,
    /// The timeout that was last set on the socket.
    set: Duration,
}

impl<S: Stream> DeadlineStream<S> {
    pub(crate) fn new(stream: S, timeout: Duration) -> io::Result<Self> {
        stream.set_read_timeout(timeout)?;
        stream.set_write_timeout(timeout)?;
        Ok(DeadlineStream {
            stream,
            timeout,
            started: Instant::now(),
            reads: 0,
            set: timeout,
        })
    }

    pub(crate) fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(timeout)?;
        self.set = timeout;
        self.stream.set_write_timeout(timeout)?;
        self.timeout = timeout;
        Ok(())
    }

    /// The next reads must all finish within `timeout` from now.
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

    /// How much time is left of the current wait.
    pub(crate) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.started.elapsed())
    }

    fn set_what_is_left(&mut self) -> io::Result<()> {
        let left = match self.reads {
            0 => self.timeout,
            _ => self.left(),
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

impl<S: Stream> Read for DeadlineStream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.set_what_is_left()?;
        self.stream.read(buffer)
    }
}

impl<S: Stream> Write for DeadlineStream<S> {
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

/// Whether a timeout of the socket passed: Unix reports `EAGAIN`, Windows `WSAETIMEDOUT`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::thread;

    const TIMEOUT: Duration = Duration::from_secs(1);

    /// Always has one byte to read, and records the timeouts set on it.
    #[derive(Default)]
    struct Noting {
        timeouts: RefCell<Vec<Duration>>,
    }

    impl Read for Noting {
        fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
            Ok(1)
        }
    }

    impl Write for Noting {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Stream for Noting {
        fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
            self.timeouts.borrow_mut().push(timeout);
            Ok(())
        }

        fn set_write_timeout(&self, _timeout: Duration) -> io::Result<()> {
            Ok(())
        }

        fn has_ended(&self) -> io::Result<bool> {
            Ok(false)
        }

        fn try_clone(&self) -> io::Result<Self> {
            Ok(Noting::default())
        }

        fn shutdown(&self, _how: Shutdown) -> io::Result<()> {
            Ok(())
        }
    }

    /// Waits this many times, one read each, with a pause before each read but the first.
    fn read(stream: &mut DeadlineStream<Noting>, reads: u32, pause: Duration) -> io::Result<()> {
        stream.start();
        for read in 0..reads {
            if read > 0 {
                thread::park_timeout(pause);
            }
            assert_eq!(stream.read(&mut [0])?, 1);
        }
        Ok(())
    }

    #[test]
    fn a_reply_that_comes_at_once_costs_no_system_call() {
        let mut stream = DeadlineStream::new(Noting::default(), TIMEOUT * 1000).unwrap();
        for reads in [1, 1, 5, 1] {
            read(&mut stream, reads, Duration::ZERO).unwrap();
        }
        assert_eq!(*stream.stream.timeouts.borrow(), [TIMEOUT * 1000]);
    }

    #[test]
    fn a_drip_is_given_what_is_left_and_the_next_reply_all_again() {
        let mut stream = DeadlineStream::new(Noting::default(), TIMEOUT).unwrap();
        let outcome = read(&mut stream, 100, TIMEOUT / 4);
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::TimedOut);
        read(&mut stream, 1, Duration::ZERO).unwrap();

        let mut told = stream.stream.timeouts.take();
        assert_eq!((told.remove(0), told.pop()), (TIMEOUT, Some(TIMEOUT)));
        assert!(!told.is_empty());
        assert!(told.is_sorted_by(|one, next| one > next), "{told:?}");
    }
}
