//! Families, kinds, ends of a conversation, the longest queue.

use std::fmt;
use std::net::Shutdown;

use socket2::{Domain, Type};

/// Which addresses a socket has. Python: `socket.AddressFamily`; see `socket(2)`.
///
/// # Examples
///
/// ```
/// assert_eq!(pocket_socket::AF_INET.to_string(), "AF_INET");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AddressFamily(pub(crate) Domain);

/// IPv4: an address and a port. Python: `socket.AF_INET`; see `ip(7)`.
pub const AF_INET: AddressFamily = AddressFamily(Domain::IPV4);
/// IPv6: an address and a port. Python: `socket.AF_INET6`; see `ipv6(7)`.
pub const AF_INET6: AddressFamily = AddressFamily(Domain::IPV6);
/// Local: a path, an abstract name, or nothing. Python: `socket.AF_UNIX`; see `unix(7)`.
#[cfg(unix)]
pub const AF_UNIX: AddressFamily = AddressFamily(Domain::UNIX);

impl AddressFamily {
    /// The system's number. Python: `int(socket.AF_INET)`.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(pocket_socket::AF_INET.value(), 2); // on every system
    /// ```
    pub fn value(self) -> i32 {
        self.0.into()
    }
}

impl fmt::Display for AddressFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            AF_INET => f.write_str("AF_INET"),
            AF_INET6 => f.write_str("AF_INET6"),
            #[cfg(unix)]
            AF_UNIX => f.write_str("AF_UNIX"),
            other => write!(f, "AddressFamily({})", other.value()),
        }
    }
}

impl fmt::Debug for AddressFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How a socket carries bytes. Python: `socket.SocketKind`; see `socket(2)`.
///
/// # Examples
///
/// ```
/// assert_eq!(pocket_socket::SOCK_STREAM.to_string(), "SOCK_STREAM");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SocketKind(pub(crate) Type);

/// A stream of bytes, in order, without messages. Python: `socket.SOCK_STREAM`.
pub const SOCK_STREAM: SocketKind = SocketKind(Type::STREAM);
/// Messages, each on its own; of UDP, each perhaps lost. Python: `socket.SOCK_DGRAM`.
pub const SOCK_DGRAM: SocketKind = SocketKind(Type::DGRAM);
/// Messages over a connection, in order (`AF_UNIX` on Linux). Python: `socket.SOCK_SEQPACKET`.
pub const SOCK_SEQPACKET: SocketKind = SocketKind(Type::SEQPACKET);
/// Packets with their headers, for privileged programs. Python: `socket.SOCK_RAW`; see `raw(7)`.
pub const SOCK_RAW: SocketKind = SocketKind(Type::RAW);

impl SocketKind {
    /// The system's number. Python: `int(socket.SOCK_STREAM)`.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(pocket_socket::SOCK_STREAM.value(), 1);
    /// ```
    pub fn value(self) -> i32 {
        self.0.into()
    }
}

impl fmt::Display for SocketKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            SOCK_STREAM => f.write_str("SOCK_STREAM"),
            SOCK_DGRAM => f.write_str("SOCK_DGRAM"),
            SOCK_SEQPACKET => f.write_str("SOCK_SEQPACKET"),
            SOCK_RAW => f.write_str("SOCK_RAW"),
            other => write!(f, "SocketKind({})", other.value()),
        }
    }
}

impl fmt::Debug for SocketKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// "I receive no more." Python: `socket.SHUT_RD`; see `shutdown(2)`.
pub const SHUT_RD: Shutdown = Shutdown::Read;
/// "I send no more": the peer reads the end of stream. Python: `socket.SHUT_WR`.
pub const SHUT_WR: Shutdown = Shutdown::Write;
/// Both. Python: `socket.SHUT_RDWR`.
pub const SHUT_RDWR: Shutdown = Shutdown::Both;

/// The longest queue that the C library knows of; the system's own limit may be lower. Python:
/// `socket.SOMAXCONN`; see `listen(2)`.
#[cfg(unix)]
pub const SOMAXCONN: u32 = nix::libc::SOMAXCONN.cast_unsigned();
/// The longest queue: the system chooses. Python: `socket.SOMAXCONN`.
#[cfg(windows)]
pub const SOMAXCONN: u32 = 0x7fff_ffff;
