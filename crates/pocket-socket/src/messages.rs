//! Sending and receiving messages: bytes in several buffers, ancillary data, flags, an address.

use std::io::{self, IoSlice, IoSliceMut};

use rustix::event::PollFlags;
use rustix::net::{RecvFlags, SendFlags, SocketAddrAny, SocketAddrUnix, addr::SocketAddrArg};

use crate::ancillary::{Room, decoded, with_encoded};
use crate::flags::{
    DEFAULT_FOR_SENDING, MsgFlag, NONE_FOR_RECEIVING, Received, Receiving, Sending,
};
use crate::receiving::{recv_flags, zeroed};
use crate::{Address, RecvAncillary, SendAncillary, Socket, ToAddress};

/// The result of [`recvmsg`](Socket::recvmsg) and [`recvmsg_into`](Socket::recvmsg_into), as in
/// Python: the bytes (or how many there are), the ancillary data, flags that say what did not fit,
/// and the sender's address.
pub type Message<Data> = (Data, Vec<RecvAncillary>, MsgFlag<Received>, Address);

impl Socket {
    /// Sends the bytes of all buffers, one buffer after another, and ancillary data with them.
    /// Returns the number of bytes sent, which may be less than the total: check it, as with
    /// [`send`](Socket::send).
    ///
    /// Python: `s.sendmsg([b"he", b"llo"], [(SOL_SOCKET, SCM_RIGHTS, fds)])` · system call:
    /// `sendmsg(2)`; see `cmsg(3)`, `unix(7)`.
    ///
    /// On a stream, ancillary data is sent only if there is at least one byte to send with it.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Socket::send) and of [`send_fds`](crate::send_fds). `EMSGSIZE`: more than
    /// 1024 buffers.
    ///
    /// # Examples
    ///
    /// ```
    /// use pocket_socket::{AF_UNIX, SOCK_STREAM, socketpair};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let (a, b) = socketpair(AF_UNIX, SOCK_STREAM)?;
    /// let (header, body) = (5u32.to_be_bytes(), b"hello");
    /// assert_eq!(a.sendmsg(&[&header, body], &[])?, 9);
    /// assert_eq!(b.recv(1024)?, b"\0\0\0\x05hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn sendmsg(&self, buffers: &[&[u8]], ancdata: &[SendAncillary<'_>]) -> io::Result<usize> {
        self.sendmsg_with(buffers, ancdata, DEFAULT_FOR_SENDING)
    }

    /// Like [`sendmsg`](Socket::sendmsg), with flags.
    ///
    /// Python: `s.sendmsg(buffers, ancdata, socket.MSG_DONTWAIT)` · system call: `sendmsg(2)`.
    ///
    /// # Errors
    ///
    /// Those of [`sendmsg`](Socket::sendmsg) and [`send_with`](Socket::send_with).
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{AF_UNIX, MSG_DONTWAIT, SOCK_STREAM, socketpair};
    /// # fn main() -> std::io::Result<()> {
    /// # let (a, b) = socketpair(AF_UNIX, SOCK_STREAM)?;
    /// a.sendmsg_with(&[b"hello"], &[], MSG_DONTWAIT)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sendmsg_with(
        &self,
        buffers: &[&[u8]],
        ancdata: &[SendAncillary<'_>],
        flags: impl Into<MsgFlag<Sending>>,
    ) -> io::Result<usize> {
        self.send_message(buffers, ancdata, flags.into(), None)
    }

    /// Like [`sendmsg`](Socket::sendmsg), with flags, but sends one datagram to `address`.
    ///
    /// Python: `s.sendmsg(buffers, ancdata, 0, ("127.0.0.1", 8000))` · system call: `sendmsg(2)`.
    ///
    /// For no flags (Python's 0), pass [`MsgFlag::none`].
    ///
    /// # Errors
    ///
    /// Those of [`sendmsg_with`](Socket::sendmsg_with) and [`sendto`](Socket::sendto).
    ///
    /// # Examples
    ///
    /// ```
    /// use pocket_socket::{AF_INET, MsgFlag, SOCK_DGRAM, socket};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let a = socket(AF_INET, SOCK_DGRAM)?;
    /// let b = socket(AF_INET, SOCK_DGRAM)?;
    /// b.bind(("127.0.0.1", 0))?;
    /// a.sendmsg_to(&[b"he", b"llo"], &[], MsgFlag::none(), b.getsockname()?)?;
    /// assert_eq!(b.recv(1024)?, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn sendmsg_to(
        &self,
        buffers: &[&[u8]],
        ancdata: &[SendAncillary<'_>],
        flags: impl Into<MsgFlag<Sending>>,
        address: impl ToAddress,
    ) -> io::Result<usize> {
        let address = address.to_sockaddr(&|| self.family())?;
        let address = any(&Address::from(&address))?;
        self.send_message(buffers, ancdata, flags.into(), Some(&address))
    }

    fn send_message(
        &self,
        buffers: &[&[u8]],
        ancdata: &[SendAncillary<'_>],
        flags: MsgFlag<Sending>,
        address: Option<&SocketAddrAny>,
    ) -> io::Result<usize> {
        let slices: Vec<IoSlice<'_>> = buffers.iter().map(|buffer| IoSlice::new(buffer)).collect();
        let flags = (flags | DEFAULT_FOR_SENDING).bits();
        with_encoded(ancdata, |control| {
            self.attempt(PollFlags::OUT, |now| {
                let flags = SendFlags::from_bits_retain((flags | now).cast_unsigned());
                Ok(match address {
                    Some(address) => {
                        rustix::net::sendmsg_addr(&self.inner, address, &slices, control, flags)?
                    }
                    None => rustix::net::sendmsg(&self.inner, &slices, control, flags)?,
                })
            })
        })
    }

    /// Receives a message: at most `bufsize` of its bytes, as much of its ancillary data as fits
    /// into `ancbufsize` bytes, flags that say what did not fit, and the sender's address.
    ///
    /// Python: `data, ancdata, flags, address = s.recvmsg(1024, socket.CMSG_SPACE(4))` · system
    /// call: `recvmsg(2)`, with `MSG_CMSG_CLOEXEC` where it exists; see `cmsg(3)`.
    ///
    /// The size of the buffer for ancillary data, `ancbufsize`, must include the headers:
    /// [`CMSG_SPACE`](crate::CMSG_SPACE) computes it. With 0, no ancillary data is received. The
    /// address is [`Unnamed`](Address::Unnamed) where Python returns `None`.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Socket::recv). Kind [`InvalidInput`](io::ErrorKind::InvalidInput):
    /// `ancbufsize` is larger than the system can represent. Data that doesn't fit is not an error:
    /// the flags contain [`MSG_TRUNC`](crate::MSG_TRUNC) if bytes of a datagram are missing, and
    /// [`MSG_CTRUNC`](crate::MSG_CTRUNC) if ancillary data is missing.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::fd::AsFd;
    /// use pocket_socket::*;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let (a, b) = socketpair(AF_UNIX, SOCK_STREAM)?;
    /// let file = std::fs::File::open("/dev/null")?;
    /// a.sendmsg(&[b"a file"], &[SendAncillary::ScmRights(&[file.as_fd()])])?;
    ///
    /// let (data, ancdata, flags, _address) = b.recvmsg(1024, CMSG_SPACE(4))?;
    /// assert_eq!(data, b"a file");
    /// assert!(matches!(&ancdata[..], [RecvAncillary::ScmRights(fds)] if fds.len() == 1));
    /// assert!(!flags.contains(MSG_CTRUNC));
    /// # Ok(())
    /// # }
    /// ```
    pub fn recvmsg(&self, bufsize: usize, ancbufsize: usize) -> io::Result<Message<Vec<u8>>> {
        self.recvmsg_with(bufsize, ancbufsize, NONE_FOR_RECEIVING)
    }

    /// Like [`recvmsg`](Socket::recvmsg), with flags.
    ///
    /// Python: `s.recvmsg(1024, 0, socket.MSG_PEEK)` · system call: `recvmsg(2)`.
    ///
    /// # Errors
    ///
    /// Those of [`recvmsg`](Socket::recvmsg) and [`recv_with`](Socket::recv_with).
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{AF_UNIX, MSG_PEEK, MSG_TRUNC, SOCK_DGRAM, socketpair};
    /// # fn main() -> std::io::Result<()> {
    /// # let (a, b) = socketpair(AF_UNIX, SOCK_DGRAM)?;
    /// a.send(b"hello")?;
    /// let (data, _, flags, _) = b.recvmsg_with(2, 0, MSG_PEEK)?;
    /// assert_eq!(data, b"he");
    /// assert!(flags.contains(MSG_TRUNC)); // there is more
    /// assert_eq!(b.recv(1024)?, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn recvmsg_with(
        &self,
        bufsize: usize,
        ancbufsize: usize,
        flags: impl Into<MsgFlag<Receiving>>,
    ) -> io::Result<Message<Vec<u8>>> {
        let mut data = zeroed(bufsize)?;
        let slices = &mut [IoSliceMut::new(&mut data)];
        let (received, ancdata, flags, address) =
            self.receive_message(slices, ancbufsize, flags.into())?;
        data.truncate(received);
        data.shrink_to_fit();
        Ok((data, ancdata, flags, address))
    }

    /// Receives a message into existing buffers, filling one after another. Returns the number of
    /// bytes received, and otherwise the same as [`recvmsg`](Socket::recvmsg).
    ///
    /// Python: `n, ancdata, flags, address = s.recvmsg_into([header, body])` · system call:
    /// `recvmsg(2)`.
    ///
    /// # Errors
    ///
    /// Those of [`recvmsg`](Socket::recvmsg), except `OutOfMemory`. `EMSGSIZE`: more than 1024
    /// buffers.
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{AF_UNIX, SOCK_STREAM, socketpair};
    /// # fn main() -> std::io::Result<()> {
    /// # let (a, b) = socketpair(AF_UNIX, SOCK_STREAM)?;
    /// a.send(b"\0\0\0\x05hello")?;
    /// let (mut header, mut body) = ([0; 4], [0; 1024]);
    /// let (n, _, _, _) = b.recvmsg_into(&mut [&mut header, &mut body], 0)?;
    /// assert_eq!((u32::from_be_bytes(header), &body[..n - 4]), (5, &b"hello"[..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn recvmsg_into(
        &self,
        buffers: &mut [&mut [u8]],
        ancbufsize: usize,
    ) -> io::Result<Message<usize>> {
        self.recvmsg_into_with(buffers, ancbufsize, NONE_FOR_RECEIVING)
    }

    /// Like [`recvmsg_into`](Socket::recvmsg_into), with flags.
    ///
    /// Python: `s.recvmsg_into([buffer], 0, socket.MSG_PEEK)` · system call: `recvmsg(2)`.
    ///
    /// # Errors
    ///
    /// Those of [`recvmsg_into`](Socket::recvmsg_into) and [`recv_with`](Socket::recv_with).
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{AF_UNIX, MSG_PEEK, SOCK_STREAM, socketpair};
    /// # fn main() -> std::io::Result<()> {
    /// # let (a, b) = socketpair(AF_UNIX, SOCK_STREAM)?;
    /// a.send(b"hello")?;
    /// let (n, ..) = b.recvmsg_into_with(&mut [&mut [0; 2]], 0, MSG_PEEK)?;
    /// assert_eq!(n, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn recvmsg_into_with(
        &self,
        buffers: &mut [&mut [u8]],
        ancbufsize: usize,
        flags: impl Into<MsgFlag<Receiving>>,
    ) -> io::Result<Message<usize>> {
        let mut slices: Vec<IoSliceMut<'_>> = buffers
            .iter_mut()
            .map(|buffer| IoSliceMut::new(buffer))
            .collect();
        self.receive_message(&mut slices, ancbufsize, flags.into())
    }

    fn receive_message(
        &self,
        slices: &mut [IoSliceMut<'_>],
        ancbufsize: usize,
        flags: MsgFlag<Receiving>,
    ) -> io::Result<Message<usize>> {
        let mut room = Room::of(ancbufsize)?;
        let mut control = room.buffer();
        let message = self.attempt(PollFlags::IN, |now| {
            let flags = recv_flags(flags, now) | CLOSE_ON_EXEC;
            Ok(rustix::net::recvmsg(
                &self.inner,
                slices,
                &mut control,
                flags,
            )?)
        })?;
        let ancdata = decoded(&mut control)?;
        let returned = message.flags.bits() & !CLOSE_ON_EXEC.bits();
        Ok((
            message.bytes,
            ancdata,
            MsgFlag::new(returned.cast_signed()),
            Address::from_received(message.address),
        ))
    }
}

#[cfg(not(target_vendor = "apple"))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(target_vendor = "apple")]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::empty();

/// Converts the address to the type that rustix's `sendmsg_addr` accepts.
fn any(address: &Address) -> io::Result<SocketAddrAny> {
    Ok(match address {
        Address::Ip(address) => address.as_any(),
        Address::Path(path) => SocketAddrUnix::new(path)?.as_any(),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Address::Abstract(name) => SocketAddrUnix::new_abstract_name(name)?.as_any(),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Address::Unnamed => SocketAddrUnix::new_unnamed().as_any(),
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        Address::Unnamed => SocketAddrUnix::new("")?.as_any(),
    })
}
