//! Where a socket is.

use std::fmt;
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};
#[cfg(unix)]
use std::os::unix::ffi::OsStrExt;
#[cfg(unix)]
use std::path::{Path, PathBuf};

use socket2::SockAddr;

/// The address of a socket: an IP address and a port, or a path.
///
/// Python: the tuple `("127.0.0.1", 8000)`, the string `"/tmp/s.sock"` · see `ip(7)`, `unix(7)`.
///
/// Calls that take an address accept anything that implements [`ToAddress`](crate::ToAddress);
/// calls that return one return this type.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
/// use pocket_socket::Address;
///
/// let address = Address::from(SocketAddr::from(([127, 0, 0, 1], 8000)));
/// assert_eq!(address.port(), Some(8000));
/// assert_eq!(address.to_string(), "127.0.0.1:8000");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive] // other systems have fewer of them
pub enum Address {
    /// An IP address and a port. Python: `("127.0.0.1", 8000)`, `("::1", 8000, 0, 0)`.
    Ip(SocketAddr),
    /// The path of a socket file. Python: `"/tmp/s.sock"`.
    #[cfg(unix)]
    Path(PathBuf),
    /// An abstract name, which has no file, without its leading zero byte. Python: `b"\0name"`.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Abstract(Vec<u8>),
    /// No address. A Unix socket has none until it is bound, and the system doesn't report the
    /// sender of what a stream carries. Python: `""` or `None`.
    ///
    /// Binding a socket to `Unnamed` makes Linux choose an abstract name (`unix(7)`, "Autobind").
    Unnamed,
}

impl Address {
    /// Returns the IP address, if this is one. Python: `address[0]`, a string.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let server = pocket_socket::create_server(("127.0.0.1", 0))?;
    /// assert_eq!(server.getsockname()?.ip().unwrap().to_string(), "127.0.0.1");
    /// # Ok(())
    /// # }
    /// ```
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Address::Ip(address) => Some(address.ip()),
            _ => None,
        }
    }

    /// Returns the port, if this is an IP address. Python: `address[1]`.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let server = pocket_socket::create_server(("127.0.0.1", 0))?;
    /// let port = server.getsockname()?.port().expect("an IP address has one");
    /// # assert_ne!(port, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn port(&self) -> Option<u16> {
        match self {
            Address::Ip(address) => Some(address.port()),
            _ => None,
        }
    }

    /// Returns the path of the socket file, if this is one. Python: the address itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::path::Path;
    /// use pocket_socket::Address;
    ///
    /// let address = Address::from(Path::new("/tmp/s.sock"));
    /// assert_eq!(address.path(), Some(Path::new("/tmp/s.sock")));
    /// ```
    #[cfg(unix)]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Address::Path(path) => Some(path),
            _ => None,
        }
    }

    /// The sender's address, as `recvfrom` and `recvmsg` report it.
    pub(crate) fn from_received(address: Option<rustix::net::SocketAddrAny>) -> Address {
        let Some(address) = address else {
            return Address::Unnamed;
        };
        if let Ok(ip) = SocketAddr::try_from(address.clone()) {
            return Address::Ip(ip);
        }
        #[cfg(unix)]
        if let Ok(unix) = rustix::net::SocketAddrUnix::try_from(address) {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            if let Some(name) = unix.abstract_name() {
                return Address::Abstract(name.to_vec());
            }
            if let Some(path) = unix.path_bytes() {
                let path = path.strip_suffix(b"\0").unwrap_or(path);
                return Address::Path(std::ffi::OsStr::from_bytes(path).into());
            }
        }
        Address::Unnamed
    }
}

/// Formats the address as programs print it: `127.0.0.1:8000`, `[::1]:8000`, a path, `@name` (as
/// `ss` does), `(unnamed)`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Ip(address) => address.fmt(f),
            #[cfg(unix)]
            Address::Path(path) => path.display().fmt(f),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Address::Abstract(name) => write!(f, "@{}", name.escape_ascii()),
            Address::Unnamed => f.write_str("(unnamed)"),
        }
    }
}

impl From<&SockAddr> for Address {
    fn from(address: &SockAddr) -> Address {
        if let Some(ip) = address.as_socket() {
            return Address::Ip(ip);
        }
        #[cfg(unix)]
        if address.is_unnamed() {
            return Address::Unnamed;
        }
        #[cfg(unix)]
        if let Some(path) = address.as_pathname() {
            return Address::Path(path.to_owned());
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(name) = address.as_abstract_namespace() {
            return Address::Abstract(name.to_vec());
        }
        Address::Unnamed
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Address {
        Address::Ip(address)
    }
}

impl From<SocketAddrV4> for Address {
    fn from(address: SocketAddrV4) -> Address {
        Address::Ip(address.into())
    }
}

impl From<SocketAddrV6> for Address {
    fn from(address: SocketAddrV6) -> Address {
        Address::Ip(address.into())
    }
}

impl<I: Into<IpAddr>> From<(I, u16)> for Address {
    fn from(address: (I, u16)) -> Address {
        Address::Ip(address.into())
    }
}

/// A path that starts with a zero byte is an abstract name on Linux, as in Python; an empty path is
/// [`Unnamed`](Address::Unnamed).
#[cfg(unix)]
impl From<&Path> for Address {
    fn from(path: &Path) -> Address {
        match path.as_os_str().as_bytes() {
            [] => Address::Unnamed,
            #[cfg(any(target_os = "linux", target_os = "android"))]
            [0, name @ ..] => Address::Abstract(name.to_vec()),
            _ => Address::Path(path.to_owned()),
        }
    }
}

#[cfg(unix)]
impl From<PathBuf> for Address {
    fn from(path: PathBuf) -> Address {
        Address::from(path.as_path())
    }
}
