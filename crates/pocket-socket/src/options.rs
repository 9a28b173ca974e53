//! Socket options, and the two calls that set and read them.

use std::fmt;
use std::io;
use std::marker::PhantomData;

use crate::Socket;

/// The level of a socket option: `SOL_SOCKET`, or the protocol that the option belongs to.
pub trait Level: Copy {
    /// The number by which the system knows this level. Python: `socket.SOL_SOCKET`.
    #[cfg(unix)]
    const VALUE: i32;
}

macro_rules! levels {
    ($($(#[$doc:meta])* $name:ident: $level:ident;)*) => {$(
        #[doc = concat!("The type of [`", stringify!($name), "`].")]
        #[derive(Clone, Copy, Debug)]
        pub struct $level;

        impl Level for $level {
            #[cfg(unix)]
            const VALUE: i32 = nix::libc::$name;
        }

        $(#[$doc])*
        pub const $name: $level = $level;
    )*};
}

levels! {
    /// Options that every socket has. Python: `socket.SOL_SOCKET`; see `socket(7)`.
    SOL_SOCKET: SocketLevel;
    /// Options of IPv4. Python: `socket.IPPROTO_IP`; see `ip(7)`.
    IPPROTO_IP: IpLevel;
    /// Options of IPv6. Python: `socket.IPPROTO_IPV6`; see `ipv6(7)`.
    IPPROTO_IPV6: Ipv6Level;
    /// Options of TCP. Python: `socket.IPPROTO_TCP`; see `tcp(7)`.
    IPPROTO_TCP: TcpLevel;
}

/// Marks a [`SocketOption`] that can be read but not set.
#[derive(Clone, Copy, Debug)]
pub struct ReadOnly;

/// Marks a [`SocketOption`] that can be read, and set to a value of type `V`.
#[derive(Clone, Copy, Debug)]
pub struct ReadWrite<V>(pub(crate) fn(&socket2::Socket, V) -> io::Result<()>);

/// A socket option. Its type tells the compiler its level, the type of its value, and whether it
/// can be set.
///
/// Python passes and returns numbers and bytes. Here a switch is a `bool`, a time is a
/// [`Duration`](std::time::Duration), and a size is a number of bytes.
///
/// ```compile_fail,E0308
/// # use pocket_socket::*;
/// # fn f(s: Socket) {
/// s.setsockopt(IPPROTO_TCP, SO_REUSEADDR, true); // it belongs to SOL_SOCKET
/// # }
/// ```
///
/// ```compile_fail,E0308
/// # use pocket_socket::*;
/// # fn f(s: Socket) {
/// s.setsockopt(SOL_SOCKET, SO_ERROR, None); // it can only be read
/// # }
/// ```
///
/// # Examples
///
/// ```
/// use pocket_socket::{AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket};
///
/// # fn main() -> std::io::Result<()> {
/// let s = socket(AF_INET, SOCK_STREAM)?;
/// s.setsockopt(SOL_SOCKET, SO_REUSEADDR, true)?;
/// assert!(s.getsockopt(SOL_SOCKET, SO_REUSEADDR)?);
/// # Ok(())
/// # }
/// ```
pub struct SocketOption<L, V, Access> {
    pub(crate) name: &'static str,
    #[cfg(unix)]
    pub(crate) value: i32,
    pub(crate) get: fn(&socket2::Socket) -> io::Result<V>,
    pub(crate) access: Access,
    pub(crate) level: PhantomData<L>,
}

impl<L, V, Access> SocketOption<L, V, Access> {
    /// Returns the number by which the system knows this option. In Python the constant itself is
    /// this number: `socket.SO_REUSEADDR`.
    ///
    /// # Examples
    ///
    /// ```
    /// # if cfg!(target_os = "linux") {
    /// assert_eq!(pocket_socket::SO_REUSEADDR.value(), 2);
    /// # }
    /// ```
    #[cfg(unix)]
    pub fn value(&self) -> i32 {
        self.value
    }
}

impl<L, V, Access: Copy> Clone for SocketOption<L, V, Access> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L, V, Access: Copy> Copy for SocketOption<L, V, Access> {}

impl<L, V, Access> fmt::Debug for SocketOption<L, V, Access> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Defines a constant of type [`SocketOption`]. The option's number is that of the C library's
/// constant of the same name; the value is read and set by existing functions of socket2 and
/// rustix. A test compares the two under `strace`.
macro_rules! option {
    ($(#[$doc:meta])* $name:ident: $level:ty, $value:ty, $get:expr) => {
        $crate::options::option! {
            @with $(#[$doc])* $name, $level, $value, $get, $crate::ReadOnly, $crate::ReadOnly
        }
    };
    ($(#[$doc:meta])* $name:ident: $level:ty, $value:ty, $get:expr, $set:expr) => {
        $crate::options::option! {
            @with $(#[$doc])* $name, $level, $value, $get,
            $crate::ReadWrite<$value>, $crate::ReadWrite($set)
        }
    };
    (
        @with $(#[$doc:meta])* $name:ident, $level:ty, $value:ty, $get:expr, $access:ty,
        $accessor:expr
    ) => {
        $(#[$doc])*
        pub const $name: $crate::SocketOption<$level, $value, $access> = $crate::SocketOption {
            name: stringify!($name),
            #[cfg(unix)]
            value: nix::libc::$name,
            get: $get,
            access: $accessor,
            level: std::marker::PhantomData,
        };
    };
}

pub(crate) use option;

impl Socket {
    /// Sets an option.
    ///
    /// Python: `s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)` · system call:
    /// `setsockopt(2)`; see `socket(7)`, `tcp(7)`, `ip(7)`, `ipv6(7)`.
    ///
    /// # Errors
    ///
    /// `ENOPROTOOPT`, `EOPNOTSUPP`: this kind of socket doesn't have the option. `EINVAL`: the
    /// option doesn't accept this value, or not in the socket's present state. `EPERM`, `EACCES`:
    /// this user may not set the option. `EDOM`: a duration is too long. Kind
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): a number is larger than the system can
    /// represent.
    ///
    /// # Examples
    ///
    /// ```
    /// use pocket_socket::{AF_INET, IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, socket};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let s = socket(AF_INET, SOCK_STREAM)?;
    /// s.setsockopt(IPPROTO_TCP, TCP_NODELAY, true)?;
    /// # Ok(())
    /// # }
    /// ```
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a constant, written as in Python"
    )]
    pub fn setsockopt<L: Level, V>(
        &self,
        _level: L,
        option: SocketOption<L, V, ReadWrite<V>>,
        value: V,
    ) -> io::Result<()> {
        (option.access.0)(&self.inner, value)
    }

    /// Returns the value of an option.
    ///
    /// Python: `s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)` · system call: `getsockopt(2)`.
    ///
    /// # Errors
    ///
    /// `ENOPROTOOPT`, `EOPNOTSUPP`: this kind of socket doesn't have the option.
    ///
    /// # Examples
    ///
    /// ```
    /// use pocket_socket::{AF_INET, SO_TYPE, SOCK_STREAM, SOL_SOCKET, socket};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let s = socket(AF_INET, SOCK_STREAM)?;
    /// assert_eq!(s.getsockopt(SOL_SOCKET, SO_TYPE)?, SOCK_STREAM);
    /// # Ok(())
    /// # }
    /// ```
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a constant, written as in Python"
    )]
    pub fn getsockopt<L: Level, V, Access>(
        &self,
        _level: L,
        option: SocketOption<L, V, Access>,
    ) -> io::Result<V> {
        (option.get)(&self.inner)
    }
}
