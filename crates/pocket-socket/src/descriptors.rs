//! Open files, sent to another process over a Unix socket.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::libc;
use rustix::event::PollFlags;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

use crate::flags::{DEFAULT_FOR_SENDING, MsgFlag, Received};
use crate::{Address, Socket};

/// Sends descriptors with a message; the receiver gets its own, of the same open files. Returns
/// how many bytes of the message were sent.
///
/// Python: `socket.send_fds(s, [b"files"], [f.fileno()])` · system call: `sendmsg(2)` with
/// `SCM_RIGHTS`; see `unix(7)`, `cmsg(3)`.
///
/// The descriptors stay open here. Send at least one byte: on a stream, descriptors without bytes
/// are not sent at all.
///
/// # Errors
///
/// Those of [`send`](Socket::send). `EINVAL`: more than 253 descriptors. `ETOOMANYREFS`: too many
/// on their way. A TCP socket is no error on Linux: it sends the bytes and forgets the descriptors.
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
    let slices: Vec<IoSlice<'_>> = buffers.iter().map(|buffer| IoSlice::new(buffer)).collect();
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(fds.len()))];
    let flags = SendFlags::from_bits_retain(DEFAULT_FOR_SENDING.bits().cast_unsigned());
    socket.attempt(PollFlags::OUT, || {
        let mut control = SendAncillaryBuffer::new(&mut space);
        let pushed = control.push(SendAncillaryMessage::ScmRights(fds));
        debug_assert!(pushed, "the space was computed for these");
        Ok(rustix::net::sendmsg(
            &socket.inner,
            &slices,
            &mut control,
            flags,
        )?)
    })
}

/// What [`recv_fds`] received.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReceivedFds {
    /// The bytes of the message.
    pub data: Vec<u8>,
    /// The descriptors, in the order in which they were sent. Dropping one closes it.
    pub fds: Vec<OwnedFd>,
    /// [`MSG_CTRUNC`](crate::MSG_CTRUNC): more descriptors came; they are closed.
    /// [`MSG_TRUNC`](crate::MSG_TRUNC): the datagram had more bytes; they are lost.
    pub flags: MsgFlag<Received>,
    /// The sender's address.
    pub address: Address,
}

/// Receives a message of at most `bufsize` bytes and at most `maxfds` descriptors with it.
///
/// Python: `data, fds, flags, address = socket.recv_fds(s, 1024, 1)` · system call: `recvmsg(2)`
/// with `SCM_RIGHTS` and, where there is one, `MSG_CMSG_CLOEXEC`; see `unix(7)`, `cmsg(3)`.
///
/// Python leaves the descriptors open in programs that this one starts; here they are closed, as
/// all others are.
///
/// # Errors
///
/// Those of [`recv`](Socket::recv). No descriptor left here (`ulimit -n`) is not an error: the
/// flags hold [`MSG_CTRUNC`](crate::MSG_CTRUNC), and descriptors are missing.
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
    let mut data = crate::receiving::memory(bufsize)?;
    data.resize(bufsize, 0);
    // Room for exactly so many: the system counts by the length, and rounding up would let one
    // more in.
    let length = size_of::<libc::cmsghdr>() + maxfds * size_of::<libc::c_int>();
    let mut space = vec![MaybeUninit::uninit(); length + align_of::<libc::cmsghdr>()];
    let start = space.as_ptr().align_offset(align_of::<libc::cmsghdr>());
    let mut control = RecvAncillaryBuffer::new(&mut space[start..start + length]);

    let message = socket.attempt(PollFlags::IN, || {
        let into = &mut [IoSliceMut::new(&mut data)];
        Ok(rustix::net::recvmsg(
            &socket.inner,
            into,
            &mut control,
            CLOSE_ON_EXEC,
        )?)
    })?;
    let mut fds = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = part {
            fds.extend(received);
        }
    }
    close_on_exec(&fds)?;
    data.truncate(message.bytes);
    let returned = message.flags.bits() & !CLOSE_ON_EXEC.bits();
    Ok(ReceivedFds {
        data,
        fds,
        flags: MsgFlag::new(returned.cast_signed()),
        address: Address::from_received(message.address),
    })
}

#[cfg(not(target_vendor = "apple"))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(target_vendor = "apple")]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::empty();

/// macOS has no flag for it.
fn close_on_exec(fds: &[OwnedFd]) -> io::Result<()> {
    if cfg!(target_vendor = "apple") {
        for fd in fds {
            rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)?;
        }
    }
    Ok(())
}
