//! The server's three calls: an address, a queue, the next client.

use std::io;

use rustix::event::PollFlags;

use crate::timeout::Patience;
use crate::{Address, Socket, ToAddress};

impl Socket {
    /// Gives the socket an address where others can find it.
    ///
    /// Python: `s.bind(("127.0.0.1", 8000))`, `s.bind("/tmp/s.sock")` · system call: `bind(2)`; see
    /// `ip(7)`, `unix(7)`.
    ///
    /// Port 0 makes the system choose a free port; [`getsockname`](Socket::getsockname) returns it.
    /// An empty host, `("", 8000)`, means every address of this machine. A path becomes a socket
    /// file, which stays after the socket is closed.
    ///
    /// # Errors
    ///
    /// `EADDRINUSE`: another socket has this address, or the path exists, as any kind of file.
    /// `EINVAL`: the socket already has an address. `EACCES`: a port that is reserved for the
    /// system (below 1024), or a folder without write permission. `EADDRNOTAVAIL`: not an address
    /// of this machine. `ENOENT`, `ENOTDIR`: no such folder. `EAFNOSUPPORT`, `EINVAL`: an address
    /// of another family. A path that is too long fails with
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) before any system call.
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
    /// own limit (`/proc/sys/net/core/somaxconn`). On Linux one more than `backlog` fits, so 0
    /// queues one client, which is connected and waits.
    ///
    /// # Errors
    ///
    /// `EADDRINUSE`: another socket listens on this address. `EOPNOTSUPP`: this kind of socket
    /// cannot listen (`SOCK_DGRAM`). `EINVAL`: the socket is connected, or is a Unix socket without
    /// an address. A TCP socket without an address gets a free port on every address of the
    /// machine.
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

    /// Takes the next connection from the queue, waiting for one if need be. Returns a new socket
    /// that is connected to the client, and the client's address.
    ///
    /// Python: `conn, address = s.accept()` · system call: `accept4(2)` with `SOCK_CLOEXEC`
    /// (elsewhere `accept(2)`). With a [timeout](Socket::settimeout) `poll(2)` comes first.
    ///
    /// The new socket blocks and has no timeout, whatever the listening one has.
    ///
    /// # Errors
    ///
    /// `EAGAIN` (kind [`WouldBlock`](io::ErrorKind::WouldBlock)): no client is waiting, and the
    /// socket doesn't block. Kind [`TimedOut`](io::ErrorKind::TimedOut), no errno: no client
    /// connected within the [timeout](Socket::settimeout). `EINVAL`: the socket doesn't listen.
    /// `EOPNOTSUPP`: this kind of socket cannot listen. `EMFILE`, `ENFILE`: no descriptor left; the
    /// client is still waiting. `ECONNABORTED`: the client has already gone; accept the next one.
    /// Linux also reports the network errors of the new connection here: see `accept(2)`.
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
