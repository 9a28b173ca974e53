//! The server's three calls: `bind`, `listen` and `accept`.

use std::io;

use rustix::event::PollFlags;

use crate::timeout::Patience;
use crate::{Address, Socket, ToAddress};

impl Socket {
    /// Binds the socket to `address`, at which others can reach it.
    ///
    /// Python: `s.bind(("127.0.0.1", 8000))`, `s.bind("/tmp/s.sock")` · system call: `bind(2)`; see
    /// `ip(7)`, `unix(7)`.
    ///
    /// Port 0 makes the system choose a free port; [`getsockname`](Socket::getsockname) returns it.
    /// An empty host, `("", 8000)`, means every address of this machine. For a path, the system
    /// creates a socket file, which remains after the socket is closed.
    ///
    /// # Errors
    ///
    /// `EADDRINUSE`: another socket has this address, or a file of any kind exists at this path.
    /// `EINVAL`: the socket already has an address. `EACCES`: the port is reserved for privileged
    /// programs (on Linux by default those below 1024), or this user may not write to the folder.
    /// `EADDRNOTAVAIL`: the IP address isn't one of this machine's. `ENOENT`, `ENOTDIR`: the folder
    /// doesn't exist. `EAFNOSUPPORT`, `EINVAL`: the address is of a different family than the
    /// socket. A path that is too long fails with [`InvalidInput`](io::ErrorKind::InvalidInput)
    /// before any system call.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let s = pocket_socket::socket(pocket_socket::AF_INET, pocket_socket::SOCK_STREAM)?;
    /// s.bind(("127.0.0.1", 0))?;
    /// assert_ne!(s.getsockname()?.port(), Some(0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind(&self, address: impl ToAddress) -> io::Result<()> {
        self.inner.bind(&address.to_sockaddr(&|| self.family())?)
    }

    /// Makes this a listening socket: the system completes connections to it and queues them for
    /// [`accept`](Socket::accept).
    ///
    /// Python: `s.listen(5)` · system call: `listen(2)`; see `tcp(7)`.
    ///
    /// `backlog` is the number of connections that may wait in the queue; the system caps it at its
    /// own limit (`/proc/sys/net/core/somaxconn`). On Linux the queue holds one connection more
    /// than `backlog`, so with a backlog of 0 one client can connect and wait to be accepted.
    ///
    /// # Errors
    ///
    /// `EADDRINUSE`: another socket is listening on this address. `EOPNOTSUPP`: this kind of socket
    /// can't listen (`SOCK_DGRAM`). `EINVAL`: the socket is connected, or is a Unix socket that was
    /// not bound. A TCP socket that was not bound is no error: it gets a free port on every address
    /// of the machine.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let s = pocket_socket::socket(pocket_socket::AF_INET, pocket_socket::SOCK_STREAM)?;
    /// s.bind(("127.0.0.1", 0))?;
    /// s.listen(128)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn listen(&self, backlog: u32) -> io::Result<()> {
        self.inner
            .listen(i32::try_from(backlog).unwrap_or(i32::MAX))
    }

    /// Takes the next connection from the queue, and waits for one if the queue is empty. Returns a
    /// new socket, connected to the client, and the client's address.
    ///
    /// Python: `conn, address = s.accept()` · system call: `accept4(2)` with `SOCK_CLOEXEC` (on
    /// macOS and Windows `accept(2)`). On a socket with a [timeout](Socket::settimeout), `poll(2)`
    /// is called first.
    ///
    /// The new socket blocks and has no timeout, whatever mode the listening socket is in.
    ///
    /// # Errors
    ///
    /// `EAGAIN` (kind [`WouldBlock`](io::ErrorKind::WouldBlock)): no client is waiting, and the
    /// socket is non-blocking. Kind [`TimedOut`](io::ErrorKind::TimedOut), no errno: no client
    /// connected within the [timeout](Socket::settimeout). `EINVAL`: the socket isn't listening.
    /// `EOPNOTSUPP`: this kind of socket can't listen. `EMFILE`, `ENFILE`: the process, or the
    /// system, has reached its limit on open descriptors; the client stays in the queue.
    /// `ECONNABORTED`: the client has already closed the connection; accept the next one. Linux
    /// also reports pending network errors of the new connection here: see `accept(2)`.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let server = pocket_socket::create_server(("127.0.0.1", 0))?;
    /// let client = pocket_socket::create_connection(server.getsockname()?, None)?;
    /// let (conn, address) = server.accept()?;
    /// assert_eq!(address, client.getsockname()?);
    /// assert_eq!(conn.getpeername()?, address);
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept(&self) -> io::Result<(Socket, Address)> {
        let (inner, address) =
            Patience::of(self).attempt_when_ready(PollFlags::IN, || self.inner.accept())?;
        // Elsewhere the new socket inherits the switch from the listening one.
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        if !self.timeout.is_blocking() {
            rustix::io::ioctl_fionbio(&inner, false)?;
        }
        Ok((
            Socket::blocking(inner, self.family),
            Address::from(&address),
        ))
    }
}
