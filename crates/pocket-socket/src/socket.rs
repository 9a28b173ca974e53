//! The socket itself: making one, its descriptor, its copy.

use std::io;
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
#[cfg(windows)]
use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, OwnedSocket, RawSocket};

use crate::timeout::Timeout;
use crate::{AddressFamily, SocketKind};

/// The number that the system knows a socket by: a file descriptor.
#[cfg(unix)]
pub type Fileno = RawFd;
/// The number that the system knows a socket by: a `SOCKET` handle.
#[cfg(windows)]
pub type Fileno = RawSocket;

/// A socket: a descriptor, its family, and how long its calls may wait.
///
/// Python: `socket.socket` · see `socket(7)`.
///
/// All calls take `&self`, so that two threads can share one socket: one sends while the other
/// receives. Dropping it closes it; [`close`](Socket::close) does so too and returns the error.
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
    /// As `i32`, and 0 (`AF_UNSPEC`) for a descriptor that came from elsewhere: ask the system.
    pub(crate) family: i32,
    pub(crate) timeout: Timeout,
}

/// Makes a socket that has no address yet and is connected to nothing.
///
/// Python: `socket.socket(socket.AF_INET, socket.SOCK_STREAM)` · system call: `socket(2)`, with
/// `SOCK_CLOEXEC`, so that a program started by this one doesn't inherit it (as in Python).
///
/// The protocol is the only one that each pair of family and kind has: TCP, UDP, or none.
///
/// # Errors
///
/// `EAFNOSUPPORT`: the system was built without this family. `EPROTONOSUPPORT` or
/// `ESOCKTNOSUPPORT`: the family has no such kind (TCP has no `SOCK_SEQPACKET`). `EMFILE`: this
/// process has as many descriptors open as it may (`ulimit -n`); `ENFILE`: the whole system has.
/// `EPERM` or `EACCES`: not allowed, as `SOCK_RAW` without privileges. `ENOBUFS`, `ENOMEM`.
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
/// The family comes first, and the compiler knows it:
///
/// ```compile_fail
/// use pocket_socket::{AF_INET, SOCK_STREAM, socket};
/// let s = socket(SOCK_STREAM, AF_INET);
/// ```
pub fn socket(family: AddressFamily, kind: SocketKind) -> io::Result<Socket> {
    let inner = socket2::Socket::new(family.0, kind.0, None)?;
    Ok(Socket::blocking(inner, family.value()))
}

impl Socket {
    /// What the system has just given us: calls on it wait for as long as it takes.
    pub(crate) fn blocking(inner: socket2::Socket, family: i32) -> Socket {
        Socket {
            inner,
            family,
            timeout: Timeout::blocking(),
        }
    }

    /// The descriptor's number, as `/proc/PID/fd`, `ss -p` and `strace` show it.
    ///
    /// Python: `s.fileno()` · system call: none.
    ///
    /// The number is only to look at: it doesn't keep the socket open. Lend the socket to other
    /// libraries with [`AsFd`](std::os::fd::AsFd) instead.
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

    /// A second descriptor for the same socket. The socket is closed when both are.
    ///
    /// Python: `s.dup()` · system call: `fcntl(2)` with `F_DUPFD_CLOEXEC`, a `dup(2)` that isn't
    /// inherited.
    ///
    /// The copy starts with the same timeout. Both share one "don't block" switch in the system,
    /// as in Python, so [`settimeout`](Socket::settimeout) or
    /// [`setblocking`](Socket::setblocking) on one changes how the other's calls end when they
    /// would have to wait.
    ///
    /// # Errors
    ///
    /// `EMFILE`: this process has as many descriptors open as it may.
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

    /// The family that the socket was made with.
    ///
    /// Python: `s.family` · system call: none; `getsockname(2)` for a socket that was made from a
    /// descriptor.
    ///
    /// # Errors
    ///
    /// Of a socket that was made here none, else those of [`getsockname`](Socket::getsockname).
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

/// Python: `socket.socket(fileno=fd)`. The descriptor is taken to be one that blocks.
#[cfg(unix)]
impl From<OwnedFd> for Socket {
    fn from(fd: OwnedFd) -> Socket {
        Socket::blocking(fd.into(), 0)
    }
}

/// Python: `s.detach()`.
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

/// Python: `socket.socket(fileno=handle)`. The handle is taken to be one that blocks.
#[cfg(windows)]
impl From<OwnedSocket> for Socket {
    fn from(socket: OwnedSocket) -> Socket {
        Socket::blocking(socket.into(), 0)
    }
}

/// Python: `s.detach()`.
#[cfg(windows)]
impl From<Socket> for OwnedSocket {
    fn from(socket: Socket) -> OwnedSocket {
        socket.inner.into()
    }
}
