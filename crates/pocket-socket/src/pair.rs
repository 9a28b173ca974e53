//! Two sockets that are connected to each other.

use std::io;

use crate::{AddressFamily, Socket, SocketKind};

/// Creates two sockets that are connected to each other and have no address. Keep one, and give the
/// other to a thread or to a child process.
///
/// Python: `a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)` · system call:
/// `socketpair(2)`.
///
/// # Errors
///
/// `EOPNOTSUPP`: this family has no pairs (only [`AF_UNIX`](crate::AF_UNIX) has).
/// `ESOCKTNOSUPPORT`: the family has no such kind of socket. `EMFILE`, `ENFILE`: the process, or
/// the system, has reached its limit on open descriptors.
///
/// # Examples
///
/// ```
/// use pocket_socket::{AF_UNIX, SOCK_STREAM, socketpair};
///
/// # fn main() -> std::io::Result<()> {
/// let (a, b) = socketpair(AF_UNIX, SOCK_STREAM)?;
/// a.sendall(b"hello")?;
/// assert_eq!(b.recv(1024)?, b"hello");
/// # Ok(())
/// # }
/// ```
pub fn socketpair(family: AddressFamily, kind: SocketKind) -> io::Result<(Socket, Socket)> {
    let (a, b) = socket2::Socket::pair(family.0, kind.0, None)?;
    Ok((Socket::made(a, family, kind), Socket::made(b, family, kind)))
}
