//! A socket's own address, and the address of its peer.

use std::io;

use crate::{Address, Socket};

impl Socket {
    /// Returns the socket's own address.
    ///
    /// Python: `s.getsockname()` · system call: `getsockname(2)`.
    ///
    /// Before [`bind`](Socket::bind), the address of an IPv4 socket is `0.0.0.0:0`, that of an IPv6
    /// socket `[::]:0`, and a Unix socket has none. The system chooses the address of a TCP client
    /// when it connects.
    ///
    /// # Errors
    ///
    /// `ENOBUFS`: not enough memory. Windows: `WSAEINVAL` before [`bind`](Socket::bind).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let server = pocket_socket::create_server(("127.0.0.1", 0))?;
    /// println!("listening on {}", server.getsockname()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn getsockname(&self) -> io::Result<Address> {
        self.inner
            .local_addr()
            .map(|address| Address::from(&address))
    }

    /// Returns the address of the socket at the other end.
    ///
    /// Python: `s.getpeername()` · system call: `getpeername(2)`.
    ///
    /// # Errors
    ///
    /// `ENOTCONN`: the socket isn't connected, or the peer has reset the connection. A client may
    /// do that before the server accepts its connection, so expect this error after every
    /// [`accept`](Socket::accept).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let server = pocket_socket::create_server(("127.0.0.1", 0))?;
    /// let client = pocket_socket::create_connection(server.getsockname()?, None)?;
    /// assert_eq!(client.getpeername()?, server.getsockname()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn getpeername(&self) -> io::Result<Address> {
        self.inner
            .peer_addr()
            .map(|address| Address::from(&address))
    }
}
