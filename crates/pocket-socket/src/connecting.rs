//! The client's call, `connect`, and `connect_ex`, which returns the errno.

use std::io;

use rustix::event::PollFlags;
use rustix::io::Errno;

use crate::timeout::Patience;
use crate::{Socket, ToAddress};

impl Socket {
    /// Connects to the socket that is listening at `address`. On a datagram socket, sets the
    /// address that [`send`](Socket::send) sends to, and the only one that [`recv`](Socket::recv)
    /// receives from.
    ///
    /// Python: `s.connect(("127.0.0.1", 8000))` · system call: `connect(2)`; see `tcp(7)`,
    /// `unix(7)`. With a [timeout](Socket::settimeout), if the connection can't be made
    /// immediately, also `poll(2)` and `getsockopt(2)` with `SO_ERROR`.
    ///
    /// `connect` returns when the *system* at the other end has completed the connection: the
    /// server may not have called `accept` yet.
    ///
    /// To time out, `connect` needs the system's non-blocking mode (`O_NONBLOCK`), which all copies
    /// of the descriptor share ([`dup`](Socket::dup)). If another copy is set to block, the timeout
    /// has no effect: `connect` waits until the system gives up, as in Python.
    ///
    /// # Errors
    ///
    /// `ECONNREFUSED`: nothing is listening at the address; for a path, the file exists, but no
    /// socket is listening on it. `ENOENT`: there is no such path. `EACCES`: the mode of the socket
    /// file, or of a folder above it, doesn't allow this user to connect. `EISCONN`: this socket is
    /// already connected. `EPROTOTYPE`: the socket at the path is of another kind, such as
    /// `SOCK_DGRAM`. `EINPROGRESS`: this socket is non-blocking, and the connection is still being
    /// made. `ETIMEDOUT`: there was no answer, and the system gave up, which takes it minutes. Kind
    /// [`TimedOut`](io::ErrorKind::TimedOut), no errno: there was no answer within the
    /// [timeout](Socket::settimeout). `EAGAIN` (Linux): the queue of the server at this path is
    /// full, and this socket is non-blocking or has a timeout. (Such a socket can't wait for room
    /// in the queue, in Python either; one without a timeout waits.) `EHOSTUNREACH`, `ENETUNREACH`:
    /// there is no route to the address. `EADDRNOTAVAIL`: no local port is free. After a failure,
    /// create a new socket for the next attempt.
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
    /// If the [timeout](Socket::settimeout) runs out, the result is `EAGAIN`, as in Python.
    ///
    /// # Errors
    ///
    /// Only failures that happen before the system call and have no errno: a host name that can't
    /// be looked up, or a path that is too long.
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

    /// Whether the system is still making the connection although `connect(2)` has failed with this
    /// error: because a signal interrupted the call, or because a socket with a timeout is
    /// non-blocking.
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
