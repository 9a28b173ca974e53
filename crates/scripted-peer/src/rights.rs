//! Descriptors that travel with bytes (`SCM_RIGHTS`,
//! [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)).

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::io;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// The largest number of descriptors that one message can carry (`SCM_MAX_FD`).
pub(crate) const MOST: usize = 253;

/// The result of one receive.
pub(crate) struct Arrival {
    pub length: usize,
    pub files: Vec<OwnedFd>,
    /// Whether there was not enough room for all descriptors, so that the kernel discarded the
    /// others (`MSG_CTRUNC`).
    pub cut: bool,
}

/// Sends as many of the bytes as there is room for, and all descriptors with the first byte.
pub(crate) fn send(
    socket: &impl AsFd,
    bytes: &[u8],
    files: &[BorrowedFd<'_>],
) -> io::Result<usize> {
    let mut space = vec![MaybeUninit::uninit(); cmsg_space!(ScmRights(files.len()))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(files));
    }
    sendmsg(
        socket,
        &[IoSlice::new(bytes)],
        &mut control,
        SendFlags::empty(),
    )
}

/// Receives once, with room for exactly this many descriptors. They are close-on-exec.
pub(crate) fn receive(socket: &impl AsFd, buffer: &mut [u8], room: usize) -> io::Result<Arrival> {
    let mut space = vec![MaybeUninit::uninit(); cmsg_space!(ScmRights(room)) + ALIGNMENT];
    let mut control = RecvAncillaryBuffer::new(exactly(&mut space, room));
    #[cfg(not(target_vendor = "apple"))]
    let flags = RecvFlags::CMSG_CLOEXEC;
    #[cfg(target_vendor = "apple")]
    let flags = RecvFlags::empty();
    let message = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, flags)?;
    let mut files = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(some) = part {
            files.extend(some);
        }
    }
    Ok(Arrival {
        length: message.bytes,
        files,
        cut: message.flags.contains(ReturnFlags::CTRUNC),
    })
}

const ALIGNMENT: usize = align_of::<usize>();

/// Cuts the buffer to the room for exactly this many descriptors. The usual macros leave room for
/// alignment, in which another descriptor fits (cmsg(3)). On Linux the header is a `size_t` and two
/// `int`s, and the length need not be a multiple of anything.
fn exactly(space: &mut [MaybeUninit<u8>], room: usize) -> &mut [MaybeUninit<u8>] {
    if room == 0 {
        return &mut [];
    }
    if !cfg!(target_os = "linux") {
        return space;
    }
    let start = space.as_ptr().align_offset(ALIGNMENT);
    let header = size_of::<usize>() + 2 * size_of::<u32>();
    &mut space[start..start + header + room * size_of::<u32>()]
}
