//! How long a call may wait, and the waiting.
//!
//! As in Python there are three modes: wait for as long as it takes, don't wait, wait so long. The
//! last is a non-blocking socket and `poll(2)`, not `SO_RCVTIMEO`, because only so do `accept` and
//! `connect` time out on every system, an interrupting signal doesn't start the clock anew, and a
//! peer that reads a byte now and then cannot stretch `sendall`. The call is tried first and
//! `poll(2)` is asked only when there is nothing to do yet, so a socket without a timeout pays
//! nothing, and one with a timeout pays only when it really waits.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::Socket;

const NON_BLOCKING: u64 = 0;
const BLOCKING: u64 = u64::MAX;

/// The mode in one word, so that threads that share a socket can read it while one changes it:
/// nanoseconds, or one of the two constants.
#[derive(Debug)]
pub(crate) struct Timeout(AtomicU64);

impl Timeout {
    pub(crate) fn blocking() -> Timeout {
        Timeout(AtomicU64::new(BLOCKING))
    }

    fn set(&self, timeout: Option<Duration>) {
        let word = match timeout {
            None => BLOCKING,
            // What doesn't fit is cut to 584 years.
            Some(time) => u64::try_from(time.as_nanos())
                .unwrap_or(BLOCKING)
                .min(BLOCKING - 1),
        };
        self.0.store(word, Ordering::Relaxed);
    }

    fn get(&self) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            BLOCKING => None,
            nanoseconds => Some(Duration::from_nanos(nanoseconds)),
        }
    }

    pub(crate) fn is_blocking(&self) -> bool {
        self.0.load(Ordering::Relaxed) == BLOCKING
    }

    /// Neither of the two: there is a time to wait for.
    pub(crate) fn is_set(&self) -> bool {
        !matches!(self.0.load(Ordering::Relaxed), BLOCKING | NON_BLOCKING)
    }
}

impl Clone for Timeout {
    fn clone(&self) -> Timeout {
        Timeout(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}

impl Socket {
    /// Sets how long each later call may wait: `None`, for as long as it takes; zero, not at all;
    /// else so long.
    ///
    /// Python: `s.settimeout(None)`, `s.settimeout(0)`, `s.settimeout(2.5)` · system call:
    /// `ioctl(2)` with `FIONBIO`, which sets or clears `O_NONBLOCK`; see `fcntl(2)`, `poll(2)`.
    ///
    /// It bounds [`accept`](Socket::accept), [`connect`](Socket::connect), each send and each
    /// receive, and the whole of a [`sendall`](Socket::sendall). A call whose time has run out
    /// fails with the kind [`TimedOut`](io::ErrorKind::TimedOut) and no errno; one that may not
    /// wait at all fails with [`WouldBlock`](io::ErrorKind::WouldBlock), `EAGAIN` (`connect`: with
    /// `EINPROGRESS`). A connection that the system itself gives up is
    /// [`TimedOut`](io::ErrorKind::TimedOut) too, but with the errno `ETIMEDOUT`.
    ///
    /// Costs: none to a call that needn't wait. One that must is three system calls: itself,
    /// `poll(2)`, itself again.
    ///
    /// It is a bound on *one call*, not on a message: a peer that sends a byte just before each
    /// timeout runs out is never cut off.
    ///
    /// # Errors
    ///
    /// None on an open socket.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use std::time::Duration;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let server = pocket_socket::create_server(("127.0.0.1", 0))?;
    /// server.settimeout(Some(Duration::from_millis(10)))?;
    /// assert_eq!(server.accept().unwrap_err().kind(), ErrorKind::TimedOut);
    /// server.settimeout(Some(Duration::ZERO))?;
    /// assert_eq!(server.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    /// # Ok(())
    /// # }
    /// ```
    pub fn settimeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        rustix::io::ioctl_fionbio(&self.inner, timeout.is_some())?;
        self.timeout.set(timeout);
        Ok(())
    }

    /// What [`settimeout`](Socket::settimeout) has set: `None` on a new socket.
    ///
    /// Python: `s.gettimeout()` · system call: none.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # fn main() -> std::io::Result<()> {
    /// let s = pocket_socket::socket(pocket_socket::AF_INET, pocket_socket::SOCK_STREAM)?;
    /// s.settimeout(Some(Duration::from_secs(2)))?;
    /// assert_eq!(s.gettimeout(), Some(Duration::from_secs(2)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn gettimeout(&self) -> Option<Duration> {
        self.timeout.get()
    }

    /// `true`: calls wait for as long as it takes. `false`: they don't wait.
    ///
    /// Python: `s.setblocking(False)` · system call: `ioctl(2)` with `FIONBIO`; see `fcntl(2)` on
    /// `O_NONBLOCK`.
    ///
    /// The same as [`settimeout(None)`](Socket::settimeout) and `settimeout(Some(Duration::ZERO))`.
    ///
    /// # Errors
    ///
    /// None on an open socket.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let s = pocket_socket::socket(pocket_socket::AF_INET, pocket_socket::SOCK_DGRAM)?;
    /// s.bind(("127.0.0.1", 0))?;
    /// s.setblocking(false)?;
    /// assert_eq!(s.recv(1024).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    /// # Ok(())
    /// # }
    /// ```
    pub fn setblocking(&self, blocking: bool) -> io::Result<()> {
        self.settimeout(if blocking { None } else { Some(Duration::ZERO) })
    }

    /// Runs one system call: again after a signal (as Python has done since PEP 475), and again
    /// once the socket is ready if a timeout allows to wait for that.
    pub(crate) fn attempt<T>(
        &self,
        readiness: PollFlags,
        call: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        Patience::of(self).attempt(readiness, call)
    }
}

/// What is left of a timeout, over one call or several.
pub(crate) struct Patience<'socket> {
    socket: &'socket Socket,
    /// Set when the first wait begins: a call that needn't wait doesn't read the clock.
    deadline: Option<Instant>,
}

impl Patience<'_> {
    pub(crate) fn of(socket: &Socket) -> Patience<'_> {
        Patience {
            socket,
            deadline: None,
        }
    }

    pub(crate) fn attempt<T>(
        &mut self,
        readiness: PollFlags,
        mut call: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            match call() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // A descriptor that someone else made non-blocking stays as it was made.
                    if !self.socket.timeout.is_set() {
                        return Err(error);
                    }
                    self.wait(readiness)?;
                }
                outcome => return outcome,
            }
        }
    }

    /// Returns when the socket is ready, has failed, or its peer has gone: the next call tells.
    pub(crate) fn wait(&mut self, readiness: PollFlags) -> io::Result<()> {
        loop {
            let left = self
                .socket
                .timeout
                .get()
                .map(|timeout| self.left_of(timeout));
            // Seconds that don't fit the system's clock are waited for without end.
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            let mut fds = [PollFd::new(&self.socket.inner, readiness)];
            match rustix::event::poll(&mut fds, left.as_ref()) {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn left_of(&mut self, timeout: Duration) -> Duration {
        let now = Instant::now();
        match self.deadline {
            Some(deadline) => deadline.saturating_duration_since(now),
            None => {
                self.deadline = now.checked_add(timeout);
                timeout
            }
        }
    }
}
