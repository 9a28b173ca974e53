//! Setting up a server or a client in one call.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use crate::{
    AF_INET, AF_INET6, Address, AddressFamily, IPPROTO_IPV6, IPV6_V6ONLY, SOCK_STREAM, Socket,
    ToAddress, socket,
};

/// Creates a stream socket that listens on `address`.
///
/// Python: `socket.create_server(("127.0.0.1", 8000))` · system calls: `socket(2)`, `setsockopt(2)`
/// with `SO_REUSEADDR`, `bind(2)`, `listen(2)`.
///
/// The socket has the family of `address` (Python needs `family=` for IPv6). A host name is looked
/// up in `AF_INET`. `SO_REUSEADDR` is set, so that a server can be restarted immediately, except on
/// Windows, where the option lets two servers share a port. An IPv6 socket doesn't serve IPv4.
/// [`create_server_with`] has Python's other settings.
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
    create_server_with(address, ServerSettings::default())
}

/// The settings of [`create_server_with`] besides the address. Python: the keyword arguments of
/// `socket.create_server`.
///
/// # Examples
///
/// ```
/// use pocket_socket::{AF_INET, ServerSettings};
///
/// let settings = ServerSettings { backlog: 5, ..ServerSettings::default() };
/// assert_eq!(settings.family, AF_INET);
/// assert!(!settings.dualstack_ipv6);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ServerSettings {
    /// The family in which a host name is looked up, and in which the empty host `""` means every
    /// address. It is ignored for an IP address, which has a family already. The default is
    /// `AF_INET`.
    pub family: AddressFamily,
    /// The backlog for [`listen`](Socket::listen). The default is 128, as in Python.
    pub backlog: u32,
    /// Sets [`SO_REUSEPORT`](crate::SO_REUSEPORT), so that several servers can share the address.
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
    pub reuse_port: bool,
    /// Makes an IPv6 socket serve IPv4 clients, too. Their addresses then look like
    /// `::ffff:127.0.0.1`.
    pub dualstack_ipv6: bool,
}

impl Default for ServerSettings {
    fn default() -> ServerSettings {
        ServerSettings {
            family: AF_INET,
            backlog: 128,
            #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
            reuse_port: false,
            dualstack_ipv6: false,
        }
    }
}

/// Like [`create_server`], with Python's other settings.
///
/// Python: `socket.create_server(("", 8000), family=socket.AF_INET6, dualstack_ipv6=True)` · system
/// calls: those of [`create_server`].
///
/// # Errors
///
/// Those of [`create_server`]. Kind [`InvalidInput`](io::ErrorKind::InvalidInput): `dualstack_ipv6`
/// is set, but the address isn't IPv6.
///
/// # Examples
///
/// ```no_run
/// use pocket_socket::{AF_INET6, ServerSettings, create_server_with};
///
/// # fn main() -> std::io::Result<()> {
/// let settings = ServerSettings {
///     family: AF_INET6,
///     dualstack_ipv6: true,
///     ..ServerSettings::default()
/// };
/// let server = create_server_with(("", 8000), settings)?; // for everybody, IPv4 and IPv6
/// # Ok(())
/// # }
/// ```
pub fn create_server_with(address: impl ToAddress, settings: ServerSettings) -> io::Result<Socket> {
    let address = address.to_sockaddr(&|| Ok(settings.family))?;
    let family = AddressFamily(address.domain());
    if settings.dualstack_ipv6 && family != AF_INET6 {
        let address = Address::from(&address);
        let message = format!("dualstack_ipv6 needs an IPv6 address, not {address}: try \"::\"");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let server = socket(family, SOCK_STREAM)?;
    #[cfg(not(windows))]
    server.setsockopt(crate::SOL_SOCKET, crate::SO_REUSEADDR, true)?;
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
    if settings.reuse_port {
        server.setsockopt(crate::SOL_SOCKET, crate::SO_REUSEPORT, true)?;
    }
    if family == AF_INET6 {
        server.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, !settings.dualstack_ipv6)?;
    }
    server.bind(Address::from(&address))?;
    server.listen(settings.backlog)?;
    Ok(server)
}

/// Returns whether one IPv6 socket can also serve IPv4 on this machine.
///
/// Python: `socket.has_dualstack_ipv6()` · system calls: `socket(2)`, `setsockopt(2)` with
/// `IPV6_V6ONLY`, `close(2)`.
///
/// # Examples
///
/// ```
/// use pocket_socket::{AF_INET6, ServerSettings, create_server_with, has_dualstack_ipv6};
///
/// # fn main() -> std::io::Result<()> {
/// let dualstack_ipv6 = has_dualstack_ipv6();
/// # if dualstack_ipv6 {
/// let settings = ServerSettings { family: AF_INET6, dualstack_ipv6, ..Default::default() };
/// let server = create_server_with(("", 0), settings)?;
/// # }
/// # Ok(())
/// # }
/// ```
pub fn has_dualstack_ipv6() -> bool {
    let dualstack = || socket(AF_INET6, SOCK_STREAM)?.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, false);
    dualstack().is_ok()
}

/// Connects a stream socket to `address`. If a host name has several addresses, tries each in turn
/// until one accepts the connection.
///
/// Python: `socket.create_connection(("localhost", 8000), timeout=2)` · system calls: `socket(2)`
/// and `connect(2)`, for each address that is tried.
///
/// `timeout` bounds each attempt, so several addresses may take several times as long. It then
/// stays set on the socket. `None` means no timeout.
///
/// # Errors
///
/// Those of [`connect`](Socket::connect): the error of the last attempt (Python's `all_errors=True`
/// would report all of them). A host name that can't be looked up (Python's `gaierror`) has no
/// errno.
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
    connect_to_any(address, timeout, &|_| Ok(()))
}

/// Like [`create_connection`], but binds the socket to a given local address before each attempt.
/// Port 0 means any free port.
///
/// Python: `socket.create_connection(address, timeout, ("127.0.0.1", 0))` · system calls: those of
/// [`create_connection`], and `bind(2)`.
///
/// # Errors
///
/// Those of [`create_connection`] and [`bind`](Socket::bind).
///
/// # Examples
///
/// ```
/// use pocket_socket::{create_connection_with, create_server};
///
/// # fn main() -> std::io::Result<()> {
/// let server = create_server(("127.0.0.1", 0))?;
/// let client = create_connection_with(server.getsockname()?, None, ("127.0.0.1", 0))?;
/// # Ok(())
/// # }
/// ```
pub fn create_connection_with(
    address: impl ToSocketAddrs,
    timeout: Option<Duration>,
    source_address: impl ToAddress,
) -> io::Result<Socket> {
    connect_to_any(address, timeout, &|client| client.bind(&source_address))
}

fn connect_to_any(
    address: impl ToSocketAddrs,
    timeout: Option<Duration>,
    bind: &dyn Fn(&Socket) -> io::Result<()>,
) -> io::Result<Socket> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match connect_one(address, timeout, bind) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn connect_one(
    address: SocketAddr,
    timeout: Option<Duration>,
    bind: &dyn Fn(&Socket) -> io::Result<()>,
) -> io::Result<Socket> {
    let family = if address.is_ipv4() { AF_INET } else { AF_INET6 };
    let client = socket(family, SOCK_STREAM)?;
    if timeout.is_some() {
        client.settimeout(timeout)?;
    }
    bind(&client)?;
    client.connect(address)?;
    Ok(client)
}

/// Lets the standard library connect to an [`Address`], if it is an IP address.
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
