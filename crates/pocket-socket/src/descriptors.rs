//! Open files, sent to another process over a Unix socket.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::libc;

use crate::flags::{MsgFlag, Received};
use crate::{Address, CMSG_LEN, RecvAncillary, SendAncillary, Socket};

/// Sends descriptors along with a message over a Unix socket. The receiver gets new descriptors for
/// the same open files. Returns the number of bytes of the message that were sent.
///
/// Python: `socket.send_fds(s, [b"files"], [f.fileno()])` · system call: `sendmsg(2)` with
/// `SCM_RIGHTS`; see `unix(7)`, `cmsg(3)`.
///
/// Send at least one byte: on a stream, descriptors without bytes are not sent at all. The
/// descriptors stay open in this process. Python accepts flags and an address here, and ignores
/// them; to use them, call [`sendmsg_to`](Socket::sendmsg_to).
///
/// # Errors
///
/// Those of [`send`](Socket::send). `EINVAL`: more than 253 descriptors. `ETOOMANYREFS`: this user
/// has too many descriptors in flight, sent but not yet received. On Linux, calling this on a TCP
/// socket is not an error: the system sends the bytes and drops the descriptors.
///
/// # Examples
///
/// ```
/// use std::os::fd::AsFd;
/// use pocket_socket::{AF_UNIX, SOCK_STREAM, recv_fds, send_fds, socketpair};
///
/// # fn main() -> std::io::Result<()> {
/// let (a, b) = socketpair(AF_UNIX, SOCK_STREAM)?;
/// let file = std::fs::File::open("/dev/null")?;
/// send_fds(&a, &[b"a file"], &[file.as_fd()])?;
/// let received = recv_fds(&b, 1024, 1)?;
/// assert_eq!(received.data, b"a file");
/// assert_eq!(received.fds.len(), 1);
/// # Ok(())
/// # }
/// ```
pub fn send_fds(socket: &Socket, buffers: &[&[u8]], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    socket.sendmsg(buffers, &[SendAncillary::ScmRights(fds)])
}

/// A message that [`recv_fds`] received.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReceivedFds {
    /// The bytes of the message.
    pub data: Vec<u8>,
    /// The descriptors, in the order in which they were sent. Dropping an [`OwnedFd`] closes the
    /// descriptor.
    pub fds: Vec<OwnedFd>,
    /// Contains [`MSG_CTRUNC`](crate::MSG_CTRUNC) if more descriptors arrived than there was room
    /// for: the system has closed the others. Contains [`MSG_TRUNC`](crate::MSG_TRUNC) if the
    /// datagram was longer than the buffer: the rest of its bytes is lost.
    pub flags: MsgFlag<Received>,
    /// The sender's address.
    pub address: Address,
}

/// Receives a message of at most `bufsize` bytes, with at most `maxfds` descriptors.
///
/// Python: `data, fds, flags, address = socket.recv_fds(s, 1024, 1)` · system call: `recvmsg(2)`
/// with `SCM_RIGHTS` and, where it exists, `MSG_CMSG_CLOEXEC`; see `unix(7)`, `cmsg(3)`.
///
/// The descriptors are close-on-exec, like all others here: programs that this process starts don't
/// inherit them. In Python such programs inherit received descriptors.
///
/// # Errors
///
/// Those of [`recv`](Socket::recv). Kind [`InvalidInput`](io::ErrorKind::InvalidInput): `maxfds` is
/// larger than the system can represent; a message carries at most 253 descriptors. Reaching this
/// process's limit on open descriptors (`ulimit -n`) is not an error: the flags contain
/// [`MSG_CTRUNC`](crate::MSG_CTRUNC), and the descriptors beyond the limit are missing.
///
/// # Examples
///
/// ```
/// use std::os::fd::AsFd;
/// use pocket_socket::{AF_UNIX, MSG_CTRUNC, SOCK_STREAM, recv_fds, send_fds, socketpair};
///
/// # fn main() -> std::io::Result<()> {
/// let (a, b) = socketpair(AF_UNIX, SOCK_STREAM)?;
/// send_fds(&a, &[b"two"], &[a.as_fd(), a.as_fd()])?;
/// let received = recv_fds(&b, 1024, 1)?;
/// assert_eq!(received.fds.len(), 1);
/// assert!(received.flags.contains(MSG_CTRUNC));
/// # Ok(())
/// # }
/// ```
pub fn recv_fds(socket: &Socket, bufsize: usize, maxfds: usize) -> io::Result<ReceivedFds> {
    // The length, not the space, which would let one more in.
    let room = CMSG_LEN(maxfds.saturating_mul(size_of::<libc::c_int>()));
    let (data, ancdata, flags, address) = socket.recvmsg(bufsize, room)?;
    let fds = ancdata.into_iter().filter_map(|part| match part {
        RecvAncillary::ScmRights(fds) => Some(fds),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        RecvAncillary::ScmCredentials(_) => None,
    });
    Ok(ReceivedFds {
        data,
        fds: fds.flatten().collect(),
        flags,
        address,
    })
}
