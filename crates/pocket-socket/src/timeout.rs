//! Timeouts: how long a call may wait, and how it waits.
//!
//! As in Python there are three modes: a call waits for as long as it takes, doesn't wait, or waits
//! for at most a given time. The third mode uses a non-blocking socket and `poll(2)`, not
//! `SO_RCVTIMEO`, for three reasons: `accept` and `connect` then time out on every system, a signal
//! that interrupts a call doesn't restart the timeout, and a peer that reads one byte from time to
//! time can't prolong `sendall`.
//!
//! The system's non-blocking mode, `O_NONBLOCK`, belongs to the open socket, not to the descriptor.
//! Another descriptor for the same socket (a copy, or one in another process) can turn the mode
//! off, and a call that relies on it would then wait forever. So a call relies on it only if there
//! is no other way. On Linux each send and receive passes `MSG_DONTWAIT`, and calls `poll(2)` only
//! if the system call would have had to wait: if not, it makes one system call. `accept(2)` has no
//! such flag, and other systems don't obey it in every send, so there `poll(2)` is called first, as
//! in Python. `connect` can do neither: see [`Socket::connect`](crate::Socket::connect).

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::Socket;

const NON_BLOCKING: u64 = 0;
const BLOCKING: u64 = u64::MAX;

/// The mode in one integer: nanoseconds, or one of the two constants. It is atomic, so that one
/// thread can change the timeout of a socket while others use the socket.
#[derive(Debug)]
pub(crate) struct Timeout(AtomicU64);

impl Timeout {
    pub(crate) fn blocking() -> Timeout {
        Timeout(AtomicU64::new(BLOCKING))
    }

    pub(crate) fn non_blocking() -> Timeout {
        Timeout(AtomicU64::new(NON_BLOCKING))
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
}

impl Clone for Timeout {
    fn clone(&self) -> Timeout {
        Timeout(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}

impl Socket {
    /// Sets how long each later call may wait: with `None` as long as it takes, with zero not at
    /// all, and otherwise at most this duration.
    ///
    /// Python: `s.settimeout(None)`, `s.settimeout(0)`, `s.settimeout(2.5)` · system call:
    /// `ioctl(2)` with `FIONBIO`, which sets or clears `O_NONBLOCK`; see `fcntl(2)`, `poll(2)`.
    ///
    /// The timeout bounds [`accept`](Socket::accept), [`connect`](Socket::connect), each send and
    /// each receive, and a complete [`sendall`](Socket::sendall). A call that times out fails with
    /// the kind [`TimedOut`](io::ErrorKind::TimedOut) and no errno. With a timeout of zero, a call
    /// that would have to wait fails with [`WouldBlock`](io::ErrorKind::WouldBlock), `EAGAIN`
    /// (`connect`: with `EINPROGRESS`). If the system itself gives up on a connection, the kind is
    /// `TimedOut`, too, but with the errno `ETIMEDOUT`.
    ///
    /// The timeout stays in force whatever is done to another descriptor for the same socket (from
    /// [`dup`](Socket::dup), in a child process, or from [`recv_fds`](crate::recv_fds)): even if
    /// that descriptor is set to block, the calls here return in time. The one exception is
    /// [`connect`](Socket::connect).
    ///
    /// A send or receive that needn't wait makes one system call, as without a timeout. One that
    /// must wait makes three: the call, `poll(2)`, and the call again. [`accept`](Socket::accept)
    /// always makes two: `poll(2)` and the call. On systems other than Linux, every call makes
    /// these two.
    ///
    /// The timeout bounds *one call*, not the time that a message takes: a peer that sends one byte
    /// just before each timeout runs out is never cut off.
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

    /// Returns the timeout that [`settimeout`](Socket::settimeout) has set. A new blocking socket
    /// has none, so the result is `None`.
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

    /// Sets whether calls wait: with `true`, as long as it takes; with `false`, not at all.
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

    /// Returns `false` if calls don't wait at all. Otherwise returns `true`, with or without a
    /// [timeout](Socket::settimeout).
    ///
    /// Python: `s.getblocking()` · system call: none. It reports the mode that was set on this
    /// `Socket`, not the system's `O_NONBLOCK`, which a copy of the descriptor may have changed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # fn main() -> std::io::Result<()> {
    /// let s = pocket_socket::socket(pocket_socket::AF_INET, pocket_socket::SOCK_STREAM)?;
    /// assert!(s.getblocking());
    /// s.settimeout(Some(Duration::from_secs(2)))?;
    /// assert!(s.getblocking());
    /// s.setblocking(false)?;
    /// assert!(!s.getblocking());
    /// # Ok(())
    /// # }
    /// ```
    pub fn getblocking(&self) -> bool {
        self.timeout.get() != Some(Duration::ZERO)
    }

    /// Runs [`Patience::attempt`] with a timeout that bounds this one call.
    pub(crate) fn attempt<T>(
        &self,
        readiness: PollFlags,
        call: impl FnMut(i32) -> io::Result<T>,
    ) -> io::Result<T> {
        Patience::of(self).attempt(readiness, call)
    }
}

/// The flag that keeps a single call from waiting, on systems where every call obeys it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const DONT_WAIT: Option<i32> = Some(nix::libc::MSG_DONTWAIT);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const DONT_WAIT: Option<i32> = None;

/// The pause before retrying a call that failed with `EAGAIN` although `poll(2)` had reported the
/// socket ready. That happens when another thread got there first, or when a Unix datagram is sent to
/// a receiver whose queue is full: `poll(2)` notices a full queue only on a connected socket. Without
/// the pause, the loop would spin until the timeout.
const PAUSE: Duration = Duration::from_millis(1);

/// The rest of a socket's timeout, for one system call or for several that share it.
pub(crate) struct Patience<'socket> {
    socket: &'socket Socket,
    /// The socket's timeout when the call began. Another thread may change it meanwhile.
    timeout: Option<Duration>,
    /// Set when the first wait begins, so that a call that needn't wait doesn't read the clock.
    deadline: Option<Instant>,
}

impl Patience<'_> {
    pub(crate) fn of(socket: &Socket) -> Patience<'_> {
        Patience {
            socket,
            timeout: socket.timeout.get(),
            deadline: None,
        }
    }

    /// Runs a system call that accepts flags, and passes it the flags that keep it from waiting.
    /// Retries it if a signal interrupts it (as Python has done since PEP 475), and, if there is a
    /// timeout, when the socket is ready.
    pub(crate) fn attempt<T>(
        &mut self,
        readiness: PollFlags,
        mut call: impl FnMut(i32) -> io::Result<T>,
    ) -> io::Result<T> {
        match (DONT_WAIT, self.timeout) {
            (Some(flag), Some(_)) => self.repeat(false, readiness, || call(flag)),
            _ => self.repeat(true, readiness, || call(0)),
        }
    }

    /// Like [`attempt`](Self::attempt), for a system call that accepts no flags. If there is a
    /// timeout, the call is made only once the socket is ready.
    pub(crate) fn attempt_when_ready<T>(
        &mut self,
        readiness: PollFlags,
        call: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        self.repeat(true, readiness, call)
    }

    fn repeat<T>(
        &mut self,
        mut ask_first: bool,
        readiness: PollFlags,
        mut call: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            if ask_first && self.is_set() {
                self.wait(readiness)?;
            }
            match call() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // A descriptor that someone else made non-blocking stays as it was made.
                    if !self.is_set() {
                        return Err(error);
                    }
                    if ask_first {
                        std::thread::sleep(PAUSE);
                    }
                    ask_first = true;
                }
                outcome => return outcome,
            }
        }
    }

    /// Whether there is a timeout other than zero.
    fn is_set(&self) -> bool {
        self.timeout.is_some_and(|timeout| !timeout.is_zero())
    }

    /// Waits until the socket is ready, has failed, or its peer has gone. The next call on the
    /// socket shows which of these it is.
    pub(crate) fn wait(&mut self, readiness: PollFlags) -> io::Result<()> {
        loop {
            let left = self.left()?;
            // A number of seconds that doesn't fit the system's clock means waiting forever.
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

    /// Returns the time that is left, or `None` if there is no timeout. Fails if no time is left.
    /// The first call sets the deadline, and later calls don't move it, so a peer that wakes this
    /// thread from time to time can't prolong the wait.
    pub(crate) fn left(&mut self) -> io::Result<Option<Duration>> {
        let Some(timeout) = self.timeout else {
            return Ok(None);
        };
        let now = Instant::now();
        match self.deadline {
            Some(deadline) if deadline <= now => Err(io::ErrorKind::TimedOut.into()),
            Some(deadline) => Ok(Some(deadline - now)),
            None => {
                self.deadline = now.checked_add(timeout);
                Ok(Some(timeout))
            }
        }
    }
}
