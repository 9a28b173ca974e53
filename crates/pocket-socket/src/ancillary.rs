//! Data that travels with the bytes of a message: descriptors and credentials. See `cmsg(3)`,
//! `unix(7)`.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::libc;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, SendAncillaryBuffer, SendAncillaryMessage,
};

use crate::receiving::memory;

/// Ancillary data that [`sendmsg`](crate::Socket::sendmsg) sends with the bytes. Python: the
/// triples `(SOL_SOCKET, SCM_RIGHTS, array("i", fds))`; see `cmsg(3)`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SendAncillary<'fds> {
    /// Descriptors to pass on. The receiver gets new descriptors for the same open files; the
    /// sender's descriptors stay open.
    ScmRights(&'fds [BorrowedFd<'fds>]),
}

/// Ancillary data that [`recvmsg`](crate::Socket::recvmsg) received with the bytes. Python: the
/// triples `(level, type, data)`, whose `data` are bytes; see `cmsg(3)`.
///
/// Only these two kinds, which Unix sockets have, are returned. Other kinds arrive only if a socket
/// option turns them on (timestamps, for example), and are left out. Truncated credentials are left
/// out, too.
#[derive(Debug)]
#[non_exhaustive]
pub enum RecvAncillary {
    /// Descriptors, in the order in which they were sent. Dropping an [`OwnedFd`] closes the
    /// descriptor. In Python they are numbers, which the program has to close itself.
    ScmRights(Vec<OwnedFd>),
    /// The process, user and group that sent the message, as checked by the system. These arrive
    /// only if [`SO_PASSCRED`](crate::SO_PASSCRED) is set on the receiving socket.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    ScmCredentials(crate::PeerCredentials),
}

/// Returns the number of bytes that one item of ancillary data takes with its header, if its data
/// is `length` bytes long. The padding before the next item is not included, so a buffer of this
/// size has no room for an extra descriptor; one of [`CMSG_SPACE`] may.
///
/// Python: `socket.CMSG_LEN(length)` · system call: none; see `cmsg(3)`.
///
/// # Examples
///
/// ```
/// assert!(pocket_socket::CMSG_LEN(4) > 4);
/// ```
#[expect(non_snake_case, reason = "the name that C and Python give it")]
pub fn CMSG_LEN(length: usize) -> usize {
    CMSG_SPACE(0).saturating_add(length)
}

/// Returns the number of bytes that one item of ancillary data takes with its header and the
/// padding after it, if its data is `length` bytes long. Pass the result to
/// [`recvmsg`](crate::Socket::recvmsg) as `ancbufsize`. One descriptor is 4 bytes of data.
///
/// Python: `socket.CMSG_SPACE(length)` · system call: none; see `cmsg(3)`.
///
/// # Examples
///
/// ```
/// use pocket_socket::{CMSG_LEN, CMSG_SPACE};
/// assert_eq!(CMSG_SPACE(8), CMSG_LEN(8));
/// assert!(CMSG_SPACE(7) > CMSG_LEN(7));
/// ```
#[expect(non_snake_case, reason = "the name that C and Python give it")]
pub fn CMSG_SPACE(length: usize) -> usize {
    let align = align_of::<libc::cmsghdr>();
    let padded = length.checked_next_multiple_of(align);
    size_of::<libc::cmsghdr>()
        .next_multiple_of(align)
        .saturating_add(padded.unwrap_or(usize::MAX))
}

/// Encodes `ancdata` in the system's format, and calls `send` with the result.
pub(crate) fn with_encoded<T>(
    ancdata: &[SendAncillary<'_>],
    send: impl FnOnce(&mut SendAncillaryBuffer<'_, '_, '_>) -> T,
) -> T {
    let messages = || {
        ancdata.iter().map(|data| match data {
            SendAncillary::ScmRights(fds) => SendAncillaryMessage::ScmRights(fds),
        })
    };
    let length = messages().map(|message| message.size()).sum();
    let mut space = vec![MaybeUninit::uninit(); length];
    let mut control = SendAncillaryBuffer::new(&mut space);
    for message in messages() {
        let pushed = control.push(message);
        debug_assert!(pushed, "the space was computed for these");
    }
    send(&mut control)
}

/// The buffer for the ancillary data of one receive.
pub(crate) struct Room {
    space: Vec<u8>,
    start: usize,
    length: usize,
}

impl Room {
    /// Allocates a buffer of exactly `length` bytes. It is not rounded up: the system fits in as
    /// many descriptors as the length allows, so rounding up could admit one more than the caller
    /// asked for.
    pub(crate) fn of(length: usize) -> io::Result<Room> {
        if i32::try_from(length).is_err() {
            let message = format!(
                "no room of {length} bytes for ancillary data: \
                 a message carries at most 253 descriptors, {} bytes",
                CMSG_SPACE(253 * size_of::<libc::c_int>())
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let align = align_of::<libc::cmsghdr>();
        let mut space = memory(length + align)?;
        let start = space.spare_capacity_mut().as_ptr().align_offset(align);
        Ok(Room {
            space,
            start,
            length,
        })
    }

    pub(crate) fn buffer(&mut self) -> RecvAncillaryBuffer<'_> {
        let end = self.start + self.length;
        RecvAncillaryBuffer::new(&mut self.space.spare_capacity_mut()[self.start..end])
    }
}

/// Decodes the data from the system's format.
pub(crate) fn decoded(control: &mut RecvAncillaryBuffer<'_>) -> io::Result<Vec<RecvAncillary>> {
    let mut ancdata = Vec::new();
    for message in control.drain() {
        match message {
            RecvAncillaryMessage::ScmRights(fds) => {
                let fds: Vec<OwnedFd> = fds.collect();
                close_on_exec(&fds)?;
                ancdata.push(RecvAncillary::ScmRights(fds));
            }
            #[cfg(any(target_os = "linux", target_os = "android"))]
            RecvAncillaryMessage::ScmCredentials(sender) => {
                ancdata.push(RecvAncillary::ScmCredentials(crate::PeerCredentials {
                    pid: sender.pid.as_raw_pid(),
                    uid: sender.uid.as_raw(),
                    gid: sender.gid.as_raw(),
                }));
            }
            _ => {}
        }
    }
    Ok(ancdata)
}

/// Sets close-on-exec on descriptors that were received: macOS has no flag for `recvmsg(2)` that
/// does.
fn close_on_exec(fds: &[OwnedFd]) -> io::Result<()> {
    if cfg!(target_vendor = "apple") {
        for fd in fds {
            rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)?;
        }
    }
    Ok(())
}
