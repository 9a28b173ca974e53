//! The socket itself: how it is created, its descriptor, and copies of it.

use std::io;
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
#[cfg(windows)]
use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, OwnedSocket, RawSocket};

use crate::timeout::Timeout;
use crate::{AddressFamily, Protocol, SocketKind};

/// The system's number for a socket: a file descriptor.
#[cfg(unix)]
pub type Fileno = RawFd;
/// The system's number for a socket: a `SOCKET` handle.
#[cfg(windows)]
pub type Fileno = RawSocket;

/// A socket: a descriptor, its family, and how long its calls may wait.
///
/// Python: `socket.socket` · see `socket(7)`.
///
/// All methods except [`close`](Socket::close) take `&self`, so that two threads can share one
/// socket: one sends while the other receives. Dropping a socket closes it; `close` also returns an
/// error if closing failed.
///
/// # Examples
///
/// ```
/// use pocket_socket::{AF_INET, SOCK_DGRAM, Socket, socket};
///
/// # fn main() -> std::io::Result<()> {
/// let s: Socket = socket(AF_INET, SOCK_DGRAM)?;
/// assert_eq!(s.gettimeout(), None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Socket {
    pub(crate) inner: socket2::Socket,
    /// The family's number; 0 (`AF_UNSPEC`) for a socket made from a descriptor, whose family the
    /// system is asked for when it is needed.
    pub(crate) family: i32,
    pub(crate) timeout: Timeout,
}

/// Creates a socket that has no address yet and is not connected.
///
/// Python: `socket.socket(socket.AF_INET, socket.SOCK_STREAM)` · system call: `socket(2)`, with
/// `SOCK_CLOEXEC`, so that a program started by this one doesn't inherit it (as in Python).
///
/// The socket uses the default protocol of the family and kind: TCP, UDP, or none. To choose
/// another one, use [`socket_with`].
///
/// # Errors
///
/// `EAFNOSUPPORT`: this system doesn't support the family. `EPROTONOSUPPORT` or `ESOCKTNOSUPPORT`:
/// the family has no such kind (TCP has no `SOCK_SEQPACKET`), or the kind has no default protocol
/// ([`SOCK_RAW`](crate::SOCK_RAW) needs [`socket_with`]). `EMFILE`: this process has reached its
/// limit on open descriptors (`ulimit -n`). `ENFILE`: the whole system has reached its limit.
/// `ENOBUFS`, `ENOMEM`: there is not enough memory.
///
/// # Examples
///
/// ```
/// use pocket_socket::{AF_INET, SOCK_SEQPACKET, SOCK_STREAM, socket};
///
/// # fn main() -> std::io::Result<()> {
/// let s = socket(AF_INET, SOCK_STREAM)?;
/// assert!(socket(AF_INET, SOCK_SEQPACKET).is_err());
/// # drop(s);
/// # Ok(())
/// # }
/// ```
///
/// The family comes first, and the compiler checks that:
///
/// ```compile_fail
/// use pocket_socket::{AF_INET, SOCK_STREAM, socket};
/// let s = socket(SOCK_STREAM, AF_INET);
/// ```
pub fn socket(family: AddressFamily, kind: SocketKind) -> io::Result<Socket> {
    socket_with(family, kind, 0)
}

/// Like [`socket()`], with a protocol, which [`SOCK_RAW`](crate::SOCK_RAW) needs.
///
/// Python: `socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)` · system call:
/// `socket(2)`; see `raw(7)`, `icmp(7)`.
///
/// # Errors
///
/// Those of [`socket()`]. `EPROTONOSUPPORT`: there is no such protocol, or it doesn't go with this
/// kind. `EPERM` (Linux) or `EACCES`: this user isn't allowed to create such a socket;
/// [`SOCK_RAW`](crate::SOCK_RAW) is for privileged programs. `EINVAL`: the number is out of range
/// for a protocol.
///
/// # Examples
///
/// ```
/// use pocket_socket::{AF_INET, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_STREAM, socket_with};
///
/// # fn main() -> std::io::Result<()> {
/// let s = socket_with(AF_INET, SOCK_STREAM, IPPROTO_TCP)?; // as `socket` does
/// let d = socket_with(AF_INET, SOCK_DGRAM, 0)?; // likewise
/// assert!(socket_with(AF_INET, SOCK_STREAM, IPPROTO_UDP).is_err());
/// # Ok(())
/// # }
/// ```
pub fn socket_with(
    family: AddressFamily,
    kind: SocketKind,
    protocol: impl Into<Protocol>,
) -> io::Result<Socket> {
    let inner = socket2::Socket::new(family.0, kind.0, Some(protocol.into().0))?;
    Ok(Socket::made(inner, family, kind))
}

impl Socket {
    /// Wraps a socket that the program has just created, which is non-blocking if `kind` says so.
    pub(crate) fn made(inner: socket2::Socket, family: AddressFamily, kind: SocketKind) -> Socket {
        let mut socket = Socket::blocking(inner, family.value());
        if kind.is_non_blocking() {
            socket.timeout = Timeout::non_blocking();
        }
        socket
    }

    /// Wraps a socket that blocks and has no timeout.
    pub(crate) fn blocking(inner: socket2::Socket, family: i32) -> Socket {
        Socket {
            inner,
            family,
            timeout: Timeout::blocking(),
        }
    }

    /// Returns the descriptor's number, as `/proc/PID/fd`, `ss -p` and `strace` show it.
    ///
    /// Python: `s.fileno()` · system call: none.
    ///
    /// Use the number for display only: it doesn't keep the socket open. To let another library use
    /// the socket, pass a borrowed descriptor ([`AsFd`](std::os::fd::AsFd)).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let s = pocket_socket::socket(pocket_socket::AF_INET, pocket_socket::SOCK_STREAM)?;
    /// assert!(s.fileno() > 2); // 0, 1 and 2 are standard input, output and error
    /// # Ok(())
    /// # }
    /// ```
    pub fn fileno(&self) -> Fileno {
        #[cfg(unix)]
        return self.inner.as_raw_fd();
        #[cfg(windows)]
        return self.inner.as_raw_socket();
    }

    /// Creates a second descriptor for the same socket. The system closes the socket once both
    /// descriptors are closed.
    ///
    /// Python: `s.dup()` · system call: `fcntl(2)` with `F_DUPFD_CLOEXEC`, which is `dup(2)` with a
    /// descriptor that programs started by this one don't inherit.
    ///
    /// The copy starts with the timeout of the original; after that, each has a timeout of its own.
    /// But both share one non-blocking mode (`O_NONBLOCK`) in the system, as in Python. If one of
    /// them is given a timeout or made non-blocking, calls on the other fail with `EAGAIN` where
    /// they would have to wait, even if the other is meant to block. Conversely,
    /// [`setblocking(true)`](Socket::setblocking) on one doesn't affect the timeout of the other,
    /// except in [`connect`](Socket::connect). If the other is meant not to wait, its sends and
    /// receives still don't, but its [`accept`](Socket::accept) and `connect` do (in Python, all
    /// its calls do).
    ///
    /// # Errors
    ///
    /// `EMFILE`: this process has reached its limit on open descriptors.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let s = pocket_socket::socket(pocket_socket::AF_INET, pocket_socket::SOCK_DGRAM)?;
    /// let copy = s.dup()?;
    /// s.bind(("127.0.0.1", 0))?;
    /// assert_ne!(s.fileno(), copy.fileno());
    /// assert_eq!(s.getsockname()?, copy.getsockname()?); // one socket
    /// # Ok(())
    /// # }
    /// ```
    pub fn dup(&self) -> io::Result<Socket> {
        let inner = self.inner.try_clone()?;
        Ok(Socket {
            inner,
            family: self.family,
            timeout: self.timeout.clone(),
        })
    }

    /// Returns the family that the socket was created with.
    ///
    /// Python: `s.family` · system call: none; `getsockname(2)` for a socket that was created from
    /// a descriptor.
    ///
    /// # Errors
    ///
    /// None for a socket that was created here; otherwise those of
    /// [`getsockname`](Socket::getsockname).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let s = pocket_socket::socket(pocket_socket::AF_INET6, pocket_socket::SOCK_STREAM)?;
    /// assert_eq!(s.family()?, pocket_socket::AF_INET6);
    /// # Ok(())
    /// # }
    /// ```
    pub fn family(&self) -> io::Result<AddressFamily> {
        match self.family {
            0 => Ok(AddressFamily(self.inner.local_addr()?.domain())),
            known => Ok(AddressFamily(known.into())),
        }
    }
}

#[cfg(unix)]
impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

#[cfg(unix)]
impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}

/// Wraps a descriptor. Python: `socket.socket(fileno=fd)`. The descriptor is assumed to be a socket
/// that blocks. If it isn't a socket, the first call on it fails with `ENOTSOCK` (Python fails in
/// the constructor).
///
/// # Examples
///
/// ```
/// use std::os::fd::{AsFd, OwnedFd};
/// use pocket_socket::{AF_INET, SOCK_STREAM, Socket, socket};
///
/// # fn main() -> std::io::Result<()> {
/// let s = socket(AF_INET, SOCK_STREAM)?;
/// let owned_fd = OwnedFd::from(s); // fd = s.detach()
/// let s = Socket::from(owned_fd); // s = socket.socket(fileno=fd)
/// let copy = s.as_fd().try_clone_to_owned()?; // socket.fromfd(fd, …) makes a copy
/// let copy = Socket::from(copy);
///
/// let file = Socket::from(OwnedFd::from(std::fs::File::open("/dev/null")?));
/// assert!(file.getsockname().is_err());
/// # Ok(())
/// # }
/// ```
#[cfg(unix)]
impl From<OwnedFd> for Socket {
    fn from(fd: OwnedFd) -> Socket {
        Socket::blocking(fd.into(), 0)
    }
}

/// Gives up the descriptor without closing it. Python: `s.detach()`.
#[cfg(unix)]
impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> OwnedFd {
        socket.inner.into()
    }
}

#[cfg(windows)]
impl AsSocket for Socket {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.inner.as_socket()
    }
}

#[cfg(windows)]
impl AsRawSocket for Socket {
    fn as_raw_socket(&self) -> RawSocket {
        self.inner.as_raw_socket()
    }
}

/// Wraps a handle. Python: `socket.socket(fileno=handle)`. The socket is assumed to block.
#[cfg(windows)]
impl From<OwnedSocket> for Socket {
    fn from(socket: OwnedSocket) -> Socket {
        Socket::blocking(socket.into(), 0)
    }
}

/// Gives up the handle without closing it. Python: `s.detach()`.
#[cfg(windows)]
impl From<Socket> for OwnedSocket {
    fn from(socket: Socket) -> OwnedSocket {
        socket.inner.into()
    }
}
