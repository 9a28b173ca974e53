//! What a call accepts as an address.

use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, ToSocketAddrs};
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::unix::ffi::OsStrExt;
#[cfg(unix)]
use std::path::{Path, PathBuf};

use socket2::SockAddr;

use crate::{AF_INET, AF_INET6, Address, AddressFamily};

/// An address that [`bind`](crate::Socket::bind), [`connect`](crate::Socket::connect) and
/// [`sendto`](crate::Socket::sendto) accept. As in Python, it is a pair of host and port for
/// `AF_INET` and `AF_INET6`, or a path for `AF_UNIX`. The standard library's socket addresses and
/// [`Address`] are accepted, too.
///
/// | written | means |
/// |---|---|
/// | `("127.0.0.1", 8000)`, `("::1", 8000)` | an IP address and a port |
/// | `("localhost", 8000)` | the name's first address of the socket's family; the name is looked up, which takes many system calls and perhaps the network |
/// | `("", 8000)` | every address of this machine (to bind) |
/// | `("<broadcast>", 8000)` | 255.255.255.255 |
/// | `"/tmp/s.sock"`, a [`Path`](std::path::Path) | a path (Unix) |
/// | `"\0name"` | an abstract name (Linux) |
/// | `SocketAddr`, `Address`, ... | itself |
///
/// A string is never parsed: `"127.0.0.1:8000"` is a path.
///
/// # Examples
///
/// ```
/// use pocket_socket::{AF_INET, SOCK_STREAM, socket};
///
/// # fn main() -> std::io::Result<()> {
/// socket(AF_INET, SOCK_STREAM)?.bind(("127.0.0.1", 0))?;
/// socket(AF_INET, SOCK_STREAM)?.bind(([127, 0, 0, 1], 0))?;
/// socket(AF_INET, SOCK_STREAM)?.bind(("", 0))?;
/// # Ok(())
/// # }
/// ```
pub trait ToAddress {
    /// Returns the address in the system's format. `family` returns the socket's family. It may
    /// cost a system call, so implementations call it only if the result depends on it.
    ///
    /// # Errors
    ///
    /// A host name that can't be looked up (Python's `gaierror`) has no errno. Kind
    /// [`NotFound`](io::ErrorKind::NotFound): the host has no address of this family. Kind
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): a path is too long (Linux has room for 107
    /// bytes, macOS for 103).
    fn to_sockaddr(&self, family: &dyn Fn() -> io::Result<AddressFamily>) -> io::Result<SockAddr>;
}

impl<T: ToAddress + ?Sized> ToAddress for &T {
    fn to_sockaddr(&self, family: &dyn Fn() -> io::Result<AddressFamily>) -> io::Result<SockAddr> {
        (**self).to_sockaddr(family)
    }
}

impl ToAddress for (&str, u16) {
    fn to_sockaddr(&self, family: &dyn Fn() -> io::Result<AddressFamily>) -> io::Result<SockAddr> {
        let (host, port) = *self;
        let address = match host.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::new(ip, port),
            Err(_) => by_name(host, port, family()?)?,
        };
        Ok(address.into())
    }
}

impl ToAddress for (String, u16) {
    fn to_sockaddr(&self, family: &dyn Fn() -> io::Result<AddressFamily>) -> io::Result<SockAddr> {
        (self.0.as_str(), self.1).to_sockaddr(family)
    }
}

impl ToAddress for Address {
    fn to_sockaddr(&self, _: &dyn Fn() -> io::Result<AddressFamily>) -> io::Result<SockAddr> {
        match self {
            Address::Ip(address) => Ok((*address).into()),
            #[cfg(unix)]
            Address::Path(path) => unix(path.as_os_str()),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Address::Abstract(name) => unix(OsStr::from_bytes(&[b"\0", name.as_slice()].concat())),
            Address::Unnamed => unix(OsStr::new("")),
        }
    }
}

/// Implements [`ToAddress`] for types that are complete addresses, and so don't need the socket's
/// family.
macro_rules! to_address {
    ($($from:ty => |$address:ident| $sockaddr:expr,)*) => {$(
        impl ToAddress for $from {
            fn to_sockaddr(
                &self,
                _: &dyn Fn() -> io::Result<AddressFamily>,
            ) -> io::Result<SockAddr> {
                let $address = self;
                $sockaddr
            }
        }
    )*};
}

to_address! {
    SocketAddr => |address| Ok((*address).into()),
    SocketAddrV4 => |address| Ok((*address).into()),
    SocketAddrV6 => |address| Ok((*address).into()),
    (IpAddr, u16) => |address| Ok(SocketAddr::from(*address).into()),
    (Ipv4Addr, u16) => |address| Ok(SocketAddr::from(*address).into()),
    (Ipv6Addr, u16) => |address| Ok(SocketAddr::from(*address).into()),
    ([u8; 4], u16) => |address| Ok(SocketAddr::from(*address).into()),
}

#[cfg(unix)]
to_address! {
    str => |path| unix(OsStr::new(path)),
    String => |path| unix(OsStr::new(path)),
    Path => |path| unix(path.as_os_str()),
    PathBuf => |path| unix(path.as_os_str()),
}

fn by_name(host: &str, port: u16, family: AddressFamily) -> io::Result<SocketAddr> {
    match host {
        "" if family == AF_INET6 => return Ok((Ipv6Addr::UNSPECIFIED, port).into()),
        "" => return Ok((Ipv4Addr::UNSPECIFIED, port).into()),
        "<broadcast>" => return Ok((Ipv4Addr::BROADCAST, port).into()),
        _ => {}
    }
    let fits = |address: &SocketAddr| {
        (address.is_ipv4() && family == AF_INET) || (address.is_ipv6() && family == AF_INET6)
    };
    (host, port).to_socket_addrs()?.find(fits).ok_or_else(|| {
        let message = format!("{host} has no address of the family {family}");
        io::Error::new(io::ErrorKind::NotFound, message)
    })
}

/// Uses the path's bytes as they are, even if the first one is zero. An empty path is an unnamed
/// address.
fn unix(path: &OsStr) -> io::Result<SockAddr> {
    SockAddr::unix(path).map_err(|_| {
        let message = format!(
            "AF_UNIX path too long ({} bytes): {}",
            path.len(),
            path.display()
        );
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })
}
