//! How long a call may wait, and the waiting.
//!
//! As in Python there are three modes: wait for as long as it takes, don't wait, or wait for a
//! given time. The last one uses a non-blocking socket and `poll(2)`, not `SO_RCVTIMEO`. Only this
//! way do `accept` and `connect` time out on every system; an interrupting signal doesn't restart
//! the clock, and a peer that reads a byte now and then cannot prolong `sendall`.
//!
//! The switch in the system, `O_NONBLOCK`, belongs to the open socket, not to the descriptor: a
//! copy, a child process or a process that received the descriptor can turn it back, and then a
//! call that was only meant to try would wait forever. So a call relies on the switch only if there
//! is no other way. On Linux each send and receive passes `MSG_DONTWAIT` itself and is tried first;
//! `poll(2)` is called only when there is nothing to do yet. That makes one system call if it
//! needn't wait. `accept` has no such flag, and other systems don't obey it for every send: there
//! `poll(2)` is called first, as Python always does. `connect` can do neither; see there.

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
    /// Sets how long each later call waits: `None`, for as long as it takes; zero, not at all; any
    /// other duration, at most that long.
    ///
    /// Python: `s.settimeout(None)`, `s.settimeout(0)`, `s.settimeout(2.5)` · system call:
    /// `ioctl(2)` with `FIONBIO`, which sets or clears `O_NONBLOCK`; see `fcntl(2)`, `poll(2)`.
    ///
    /// It bounds [`accept`](Socket::accept), [`connect`](Socket::connect), each send and each
    /// receive, and the whole of a [`sendall`](Socket::sendall). A call whose time has run out
    /// fails with the kind [`TimedOut`](io::ErrorKind::TimedOut) and no errno; with a timeout of
    /// zero, a call that would have to wait fails with [`WouldBlock`](io::ErrorKind::WouldBlock),
    /// `EAGAIN` (`connect`: with `EINPROGRESS`). A connection that the system itself gives up on
    /// fails with
    /// [`TimedOut`](io::ErrorKind::TimedOut) too, but with the errno `ETIMEDOUT`.
    ///
    /// The timeout stays in force whatever is done to a copy of the descriptor
    /// ([`dup`](Socket::dup), a child process, [`recv_fds`](crate::recv_fds)): even if the copy is set
    /// to block, the calls here end in time. The one exception is [`connect`](Socket::connect).
    ///
    /// A send or receive that needn't wait costs nothing more. One that must wait makes three
    /// system calls: itself, `poll(2)`, and itself again. [`accept`](Socket::accept) makes two,
    /// `poll(2)` and itself, whether it must wait or not. On systems other than Linux, every call
    /// makes these two.
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

    /// Returns the timeout that [`settimeout`](Socket::settimeout) has set: `None` on a new socket
    /// that blocks.
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

    /// Sets whether calls wait: `true`, for as long as it takes; `false`, not at all.
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

    /// Returns `false` if calls don't wait at all, and `true` if they wait, for as long as it takes
    /// or as the [timeout](Socket::settimeout) says.
    ///
    /// Python: `s.getblocking()` · system call: none; it reports the mode that was set here, not
    /// `O_NONBLOCK`, which a copy may have changed.
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

    /// [`Patience::attempt`] of a single call.
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

/// The pause before retrying a call that said "not now" although `poll(2)` had said "ready":
/// another thread was faster, or it is a Unix datagram for a receiver whose queue is full, which
/// `poll(2)` sees only on a connected socket. Without the pause, the loop would spin until the time
/// is up.
const PAUSE: Duration = Duration::from_millis(1);

/// What is left of a timeout, over one call or several.
pub(crate) struct Patience<'socket> {
    socket: &'socket Socket,
    /// The timeout as it was when the call began, even if another thread changes it meanwhile.
    timeout: Option<Duration>,
    /// Set when the first wait begins: a call that needn't wait doesn't read the clock.
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

    /// Runs one system call that takes flags, and passes the flags that keep it from waiting.
    /// Retries it after a signal (as Python has done since PEP 475), and once the socket is ready,
    /// if a timeout allows waiting for that.
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

    /// The same for one that takes no flags: with a timeout, it isn't tried before it is ready.
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

    /// The waiting time is limited: neither zero nor forever.
    fn is_set(&self) -> bool {
        self.timeout.is_some_and(|timeout| !timeout.is_zero())
    }

    /// Returns when the socket is ready, has failed, or its peer has gone: the next call shows
    /// which.
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

    /// The time that is left; `None` means no limit. An error if no time is left: a peer that wakes
    /// us now and then must not move the deadline.
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
