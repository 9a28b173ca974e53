//! The client's call, and its form that returns the errno.

use std::io;

use rustix::event::PollFlags;
use rustix::io::Errno;

use crate::timeout::Patience;
use crate::{Socket, ToAddress};

impl Socket {
    /// Connects to the socket that listens at `address`. On a datagram socket, sets the address
    /// that [`send`](Socket::send) sends to and [`recv`](Socket::recv) receives from.
    ///
    /// Python: `s.connect(("127.0.0.1", 8000))` · system call: `connect(2)`; see `tcp(7)`,
    /// `unix(7)`. With a [timeout](Socket::settimeout), also `poll(2)` and `getsockopt(2)` with
    /// `SO_ERROR` if the answer takes time.
    ///
    /// It returns when the *system* at the other end has answered: the server may not have called
    /// `accept` yet.
    ///
    /// The timeout of `connect` relies on the system's "don't block" switch, which copies of the
    /// descriptor share ([`dup`](Socket::dup)): if a copy is set to block, `connect` waits until
    /// the system gives up, as in Python.
    ///
    /// # Errors
    ///
    /// `ECONNREFUSED`: nothing is listening there; for a path: the file exists, but its socket
    /// doesn't. `ENOENT`: no such path. `EACCES`: the path's mode, or a folder's, doesn't allow it.
    /// `EISCONN`: already connected. `EPROTOTYPE`: the path's socket is of another kind.
    /// `EINPROGRESS`: the socket doesn't block, and the connection is still being made.
    /// `ETIMEDOUT`: no answer (after minutes). Kind [`TimedOut`](io::ErrorKind::TimedOut), no
    /// errno: no answer within the [timeout](Socket::settimeout). `EAGAIN`: on Linux, the server's
    /// queue is full, and this Unix socket doesn't block or has a timeout (such a socket cannot
    /// wait for room, in Python either; without a timeout the call waits). `EHOSTUNREACH`,
    /// `ENETUNREACH`: no route. `EADDRNOTAVAIL`: no free local port. After a failure, start with a
    /// new socket.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let server = pocket_socket::create_server(("127.0.0.1", 0))?;
    /// let client = pocket_socket::socket(pocket_socket::AF_INET, pocket_socket::SOCK_STREAM)?;
    /// client.connect(server.getsockname()?)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect(&self, address: impl ToAddress) -> io::Result<()> {
        let address = address.to_sockaddr(&|| self.family())?;
        match self.inner.connect(&address) {
            Err(error) if self.goes_on(&error) => self.finish_connecting(),
            outcome => outcome,
        }
    }

    /// Like [`connect`](Socket::connect), but returns the errno instead of failing: 0 on success.
    ///
    /// Python: `s.connect_ex(("127.0.0.1", 8000))` · system call: `connect(2)`.
    ///
    /// A timeout that has run out is `EAGAIN`, as in Python.
    ///
    /// # Errors
    ///
    /// Only failures before the call, which have no errno: a host that is not found, or a path that
    /// is too long.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let server = pocket_socket::create_server(("127.0.0.1", 0))?;
    /// let client = pocket_socket::socket(pocket_socket::AF_INET, pocket_socket::SOCK_STREAM)?;
    /// assert_eq!(client.connect_ex(server.getsockname()?)?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect_ex(&self, address: impl ToAddress) -> io::Result<i32> {
        match self.connect(address) {
            Ok(()) => Ok(0),
            Err(error) => match error.raw_os_error() {
                Some(errno) => Ok(errno),
                None if error.kind() == io::ErrorKind::TimedOut => {
                    Ok(Errno::WOULDBLOCK.raw_os_error())
                }
                None => Err(error),
            },
        }
    }

    /// Whether the connection is being made although the call has returned: a signal arrived, or the
    /// socket has a timeout and so doesn't block.
    fn goes_on(&self, error: &io::Error) -> bool {
        let in_progress = if cfg!(windows) {
            Errno::WOULDBLOCK
        } else {
            Errno::INPROGRESS
        };
        let interrupted = error.kind() == io::ErrorKind::Interrupted;
        let in_progress = error.raw_os_error() == Some(in_progress.raw_os_error());
        self.getblocking() && (interrupted || (in_progress && !self.timeout.is_blocking()))
    }

    fn finish_connecting(&self) -> io::Result<()> {
        Patience::of(self).wait(PollFlags::OUT)?;
        self.inner.take_error()?.map_or(Ok(()), Err)
    }
}
