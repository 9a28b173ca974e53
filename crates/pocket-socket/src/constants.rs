//! Address families, kinds of socket, the directions of `shutdown`, `SOMAXCONN` and `has_ipv6`.

use std::fmt;
use std::net::Shutdown;

use socket2::{Domain, Type};

/// A socket's address family, which decides what its addresses look like. Python:
/// `socket.AddressFamily`; see `socket(2)`.
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
/// Local: a path, an abstract name, or no address. Python: `socket.AF_UNIX`; see `unix(7)`.
#[cfg(unix)]
pub const AF_UNIX: AddressFamily = AddressFamily(Domain::UNIX);

impl AddressFamily {
    /// Returns the number by which the system knows this family. Python: `int(socket.AF_INET)`.
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

/// A socket's kind: how it carries bytes. Python: `socket.SocketKind`; see `socket(2)`.
///
/// # Examples
///
/// ```
/// assert_eq!(pocket_socket::SOCK_STREAM.to_string(), "SOCK_STREAM");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SocketKind(pub(crate) Type);

/// A stream of bytes, delivered in order. A stream has no message boundaries. Python:
/// `socket.SOCK_STREAM`.
pub const SOCK_STREAM: SocketKind = SocketKind(Type::STREAM);
/// Separate messages. Over UDP, any message may be lost, and messages may be reordered. Python:
/// `socket.SOCK_DGRAM`.
pub const SOCK_DGRAM: SocketKind = SocketKind(Type::DGRAM);
/// Separate messages over a connection, delivered in order. On Linux, `AF_UNIX` has this kind.
/// Python: `socket.SOCK_SEQPACKET`.
pub const SOCK_SEQPACKET: SocketKind = SocketKind(Type::SEQPACKET);
/// Packets including their headers, for privileged programs. A raw socket needs a protocol, so
/// create it with [`socket_with`](crate::socket_with). Python: `socket.SOCK_RAW`; see `raw(7)`.
pub const SOCK_RAW: SocketKind = SocketKind(Type::RAW);

impl SocketKind {
    /// Returns the number by which the system knows this kind. Python: `int(socket.SOCK_STREAM)`.
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
        match self.without_flags() {
            SOCK_STREAM => f.write_str("SOCK_STREAM"),
            SOCK_DGRAM => f.write_str("SOCK_DGRAM"),
            SOCK_SEQPACKET => f.write_str("SOCK_SEQPACKET"),
            SOCK_RAW => f.write_str("SOCK_RAW"),
            other => write!(f, "SocketKind({})", other.value()),
        }?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        for flag in [SOCK_NONBLOCK, SOCK_CLOEXEC] {
            if self.value() & flag.value() != 0 {
                write!(f, "|{flag:?}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SocketKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A property of a new socket, combined with its kind by `|`: `SOCK_STREAM | SOCK_NONBLOCK`. A flag
/// alone is not a kind:
///
/// ```compile_fail,E0308
/// use pocket_socket::{AF_INET, SOCK_NONBLOCK, socket};
/// let s = socket(AF_INET, SOCK_NONBLOCK);
/// ```
///
/// # Examples
///
/// ```
/// use pocket_socket::{AF_INET, SOCK_NONBLOCK, SOCK_STREAM, socket};
///
/// # fn main() -> std::io::Result<()> {
/// let s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK)?;
/// assert!(!s.getblocking());
/// # Ok(())
/// # }
/// ```
#[cfg(any(target_os = "linux", target_os = "android"))]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SocketFlag(i32);

/// Makes the socket non-blocking from the start, which saves the system call of
/// [`setblocking(false)`](crate::Socket::setblocking). Python: `socket.SOCK_NONBLOCK`; see
/// `socket(2)`.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub const SOCK_NONBLOCK: SocketFlag = SocketFlag(nix::libc::SOCK_NONBLOCK);
/// Closes the socket in programs that this process becomes or starts (close-on-exec), so that they
/// don't inherit it. Every socket created by this crate has this flag. Python:
/// `socket.SOCK_CLOEXEC`; see `socket(2)`.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub const SOCK_CLOEXEC: SocketFlag = SocketFlag(nix::libc::SOCK_CLOEXEC);

#[cfg(any(target_os = "linux", target_os = "android"))]
impl SocketFlag {
    /// Returns the number by which the system knows this flag. Python: `int(socket.SOCK_NONBLOCK)`.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_ne!(pocket_socket::SOCK_NONBLOCK.value(), 0);
    /// ```
    pub fn value(self) -> i32 {
        self.0
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl fmt::Debug for SocketFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            SOCK_NONBLOCK => f.write_str("SOCK_NONBLOCK"),
            SOCK_CLOEXEC => f.write_str("SOCK_CLOEXEC"),
            SocketFlag(bits) => write!(f, "SocketFlag({bits:#x})"),
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl std::ops::BitOr<SocketFlag> for SocketKind {
    type Output = SocketKind;

    fn bitor(self, flag: SocketFlag) -> SocketKind {
        SocketKind(Type::from(self.value() | flag.0))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl std::ops::BitOr for SocketFlag {
    type Output = SocketFlag;

    fn bitor(self, other: SocketFlag) -> SocketFlag {
        SocketFlag(self.0 | other.0)
    }
}

impl SocketKind {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn is_non_blocking(self) -> bool {
        self.value() & SOCK_NONBLOCK.0 != 0
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) fn is_non_blocking(self) -> bool {
        false // such a kind cannot be written there
    }

    fn without_flags(self) -> SocketKind {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return SocketKind(Type::from(
            self.value() & !(SOCK_NONBLOCK.0 | SOCK_CLOEXEC.0),
        ));
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        return self;
    }
}

/// Shuts down receiving. Python: `socket.SHUT_RD`; see `shutdown(2)`.
pub const SHUT_RD: Shutdown = Shutdown::Read;
/// Shuts down sending: the peer then reads the end of the stream. Python: `socket.SHUT_WR`.
pub const SHUT_WR: Shutdown = Shutdown::Write;
/// Shuts down both directions. Python: `socket.SHUT_RDWR`.
pub const SHUT_RDWR: Shutdown = Shutdown::Both;

/// The largest backlog by the C library's headers, for [`listen`](crate::Socket::listen). The
/// system caps it at its own limit, which may be lower. Python: `socket.SOMAXCONN`; see
/// `listen(2)`.
#[cfg(unix)]
pub const SOMAXCONN: u32 = nix::libc::SOMAXCONN.cast_unsigned();
/// Asks [`listen`](crate::Socket::listen) for the largest backlog that the system allows. Python:
/// `socket.SOMAXCONN`.
#[cfg(windows)]
pub const SOMAXCONN: u32 = 0x7fff_ffff;

/// Whether this crate supports IPv6: it does, on every system. Python: `socket.has_ipv6`, which is
/// true if Python was built with IPv6. Neither says whether this machine has an IPv6 address: to find
/// out, try to [`bind`](crate::Socket::bind) to `("::1", 0)`.
#[expect(non_upper_case_globals, reason = "the name that Python gives it")]
pub const has_ipv6: bool = true;
