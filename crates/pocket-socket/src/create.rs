//! A whole server's or client's beginning in one call.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use crate::{
    AF_INET, AF_INET6, Address, AddressFamily, IPPROTO_IPV6, IPV6_V6ONLY, SOCK_STREAM, Socket,
    ToAddress, socket,
};

/// As many as Python's `listen()` queues when it isn't told.
const BACKLOG: u32 = 128;

/// Makes a stream socket that listens at `address`.
///
/// Python: `socket.create_server(("127.0.0.1", 8000))` · system calls: `socket(2)`, `setsockopt(2)`
/// with `SO_REUSEADDR`, `bind(2)`, `listen(2)`.
///
/// The family is the address's (Python wants `family=` for IPv6); a name is looked up as
/// `AF_INET`. `SO_REUSEADDR` is set, so that a server can be started again at once, but not on
/// Windows, where it means something else. An IPv6 socket doesn't serve IPv4. Python's other
/// settings are three lines: `socket`, `bind`, `listen`.
///
/// # Errors
///
/// Those of [`socket()`], [`bind`](Socket::bind) and [`listen`](Socket::listen).
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
pub fn create_server(address: impl ToAddress) -> io::Result<Socket> {
    let address = address.to_sockaddr(&|| Ok(AF_INET))?;
    let family = AddressFamily(address.domain());
    let server = socket(family, SOCK_STREAM)?;
    #[cfg(not(windows))]
    server.setsockopt(crate::SOL_SOCKET, crate::SO_REUSEADDR, true)?;
    if family == AF_INET6 {
        server.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, true)?;
    }
    server.bind(Address::from(&address))?;
    server.listen(BACKLOG)?;
    Ok(server)
}

/// Connects a stream socket to `address`, trying every address that a name has, in turn.
///
/// Python: `socket.create_connection(("localhost", 8000), timeout=2)` · system calls: `socket(2)`
/// and `connect(2)`, for each address until one answers.
///
/// The timeout bounds each attempt, and stays set on the socket; `None` is none.
///
/// # Errors
///
/// Those of [`connect`](Socket::connect), of the last attempt. A name that cannot be looked up
/// (Python's `gaierror`), without errno.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # fn main() -> std::io::Result<()> {
/// # let server = pocket_socket::create_server(("127.0.0.1", 0))?;
/// # let port = server.getsockname()?.port().unwrap();
/// let timeout = Duration::from_secs(2);
/// let client = pocket_socket::create_connection(("127.0.0.1", port), Some(timeout))?;
/// # Ok(())
/// # }
/// ```
pub fn create_connection(
    address: impl ToSocketAddrs,
    timeout: Option<Duration>,
) -> io::Result<Socket> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match connect_one(address, timeout) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn connect_one(address: SocketAddr, timeout: Option<Duration>) -> io::Result<Socket> {
    let family = if address.is_ipv4() { AF_INET } else { AF_INET6 };
    let client = socket(family, SOCK_STREAM)?;
    if timeout.is_some() {
        client.settimeout(timeout)?;
    }
    client.connect(address)?;
    Ok(client)
}

/// An address that a call here has returned is one to connect to, if it has an IP address.
impl ToSocketAddrs for Address {
    type Iter = std::option::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        match self {
            Address::Ip(address) => Ok(Some(*address).into_iter()),
            other => {
                let message = format!("not an IP address and a port: {other}");
                Err(io::Error::new(io::ErrorKind::InvalidInput, message))
            }
        }
    }
}
