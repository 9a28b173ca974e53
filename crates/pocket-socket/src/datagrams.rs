//! Sending and receiving datagrams, each with an address.

use std::io;

use rustix::buffer::spare_capacity;
use rustix::event::PollFlags;

use crate::flags::{DEFAULT_FOR_SENDING, MsgFlag, NONE_FOR_RECEIVING, Receiving, Sending};
use crate::receiving::{memory, recv_flags};
use crate::{Address, Socket, ToAddress};

impl Socket {
    /// Sends one datagram to `address`. The socket need not be connected.
    ///
    /// Python: `s.sendto(data, ("127.0.0.1", 8000))` · system call: `sendto(2)`; see `udp(7)`,
    /// `unix(7)`.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE`: `data` is larger than a datagram can be. `EISCONN`: the socket is connected, and
    /// so can't send to another address (Unix sockets; on Linux a UDP socket can). `ECONNREFUSED`,
    /// `ENOENT`: no socket has this path. Over UDP, `ECONNREFUSED` is reported only on a connected
    /// socket, and is about an earlier datagram. `ENOTCONN`, `EPIPE`: this is a stream socket that
    /// isn't connected; it ignores the address. `EACCES`: the address is a broadcast address, and
    /// [`SO_BROADCAST`](crate::SO_BROADCAST) is not set. `EAGAIN`: the send buffer or the
    /// receiver's queue is full, and the socket is non-blocking. Kind
    /// [`TimedOut`](io::ErrorKind::TimedOut): it stayed full for the whole
    /// [timeout](Socket::settimeout).
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{AF_INET, SOCK_DGRAM, socket};
    /// # fn main() -> std::io::Result<()> {
    /// let a = socket(AF_INET, SOCK_DGRAM)?;
    /// let b = socket(AF_INET, SOCK_DGRAM)?;
    /// b.bind(("127.0.0.1", 0))?;
    /// a.sendto(b"hello", b.getsockname()?)?;
    /// assert_eq!(b.recv(1024)?, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn sendto(&self, data: &[u8], address: impl ToAddress) -> io::Result<usize> {
        self.sendto_with(data, DEFAULT_FOR_SENDING, address)
    }

    /// Like [`sendto`](Socket::sendto), with flags.
    ///
    /// Python: `s.sendto(data, socket.MSG_DONTWAIT, ("127.0.0.1", 8000))` · system call:
    /// `sendto(2)`.
    ///
    /// # Errors
    ///
    /// Those of [`sendto`](Socket::sendto). `EOPNOTSUPP`: this kind of socket doesn't support one
    /// of the flags.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// # use pocket_socket::{AF_INET, MSG_DONTWAIT, SOCK_DGRAM, socket};
    /// # fn main() -> std::io::Result<()> {
    /// let a = socket(AF_INET, SOCK_DGRAM)?;
    /// let b = socket(AF_INET, SOCK_DGRAM)?;
    /// b.bind(("127.0.0.1", 0))?;
    /// a.sendto_with(b"hello", MSG_DONTWAIT, b.getsockname()?)?;
    /// assert_eq!(b.recv(1024)?, b"hello");
    /// # Ok(())
    /// # }
    /// # main().unwrap(); }
    /// ```
    pub fn sendto_with(
        &self,
        data: &[u8],
        flags: impl Into<MsgFlag<Sending>>,
        address: impl ToAddress,
    ) -> io::Result<usize> {
        let address = address.to_sockaddr(&|| self.family())?;
        let flags = (flags.into() | DEFAULT_FOR_SENDING).bits();
        self.attempt(PollFlags::OUT, |now| {
            self.inner.send_to_with_flags(data, &address, flags | now)
        })
    }

    /// Receives one datagram, at most `bufsize` bytes of it, and returns its bytes and its sender's
    /// address. As with [`recv`](Socket::recv), bytes beyond `bufsize` are lost.
    ///
    /// Python: `data, address = s.recvfrom(1024)` · system call: `recvfrom(2)`.
    ///
    /// The address is [`Unnamed`](Address::Unnamed), where Python returns `None`, on a stream
    /// socket, and if the sender is a Unix socket that was not bound.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Socket::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{AF_INET, SOCK_DGRAM, socket};
    /// # fn main() -> std::io::Result<()> {
    /// let a = socket(AF_INET, SOCK_DGRAM)?;
    /// let b = socket(AF_INET, SOCK_DGRAM)?;
    /// b.bind(("127.0.0.1", 0))?;
    /// a.sendto(b"hello", b.getsockname()?)?;
    /// let (data, address) = b.recvfrom(1024)?;
    /// assert_eq!(data, b"hello");
    /// assert_eq!(address.port(), a.getsockname()?.port());
    /// # Ok(())
    /// # }
    /// ```
    pub fn recvfrom(&self, bufsize: usize) -> io::Result<(Vec<u8>, Address)> {
        self.recvfrom_with(bufsize, NONE_FOR_RECEIVING)
    }

    /// Like [`recvfrom`](Socket::recvfrom), with flags. With [`MSG_PEEK`](crate::MSG_PEEK), it
    /// returns the next datagram and its sender, and leaves the datagram in the queue.
    ///
    /// Python: `s.recvfrom(1024, socket.MSG_PEEK)` · system call: `recvfrom(2)`.
    ///
    /// # Errors
    ///
    /// Those of [`recv_with`](Socket::recv_with).
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{AF_INET, MSG_PEEK, SOCK_DGRAM, socket};
    /// # fn main() -> std::io::Result<()> {
    /// let a = socket(AF_INET, SOCK_DGRAM)?;
    /// let b = socket(AF_INET, SOCK_DGRAM)?;
    /// b.bind(("127.0.0.1", 0))?;
    /// a.sendto(b"hello", b.getsockname()?)?;
    /// let (_, sender) = b.recvfrom_with(0, MSG_PEEK)?;
    /// assert_eq!(b.recvfrom(1024)?, (b"hello".to_vec(), sender));
    /// # Ok(())
    /// # }
    /// ```
    pub fn recvfrom_with(
        &self,
        bufsize: usize,
        flags: impl Into<MsgFlag<Receiving>>,
    ) -> io::Result<(Vec<u8>, Address)> {
        let flags = flags.into();
        let mut data = memory(bufsize)?;
        let address = self.attempt(PollFlags::IN, |now| {
            let flags = recv_flags(flags, now);
            Ok(match bufsize {
                0 => rustix::net::recvfrom(&self.inner, &mut [0; 0], flags)?.2,
                _ => rustix::net::recvfrom(&self.inner, spare_capacity(&mut data), flags)?.2,
            })
        })?;
        data.shrink_to_fit();
        Ok((data, Address::from_received(address)))
    }

    /// Receives one datagram into an existing buffer, and returns the number of bytes and the
    /// sender's address.
    ///
    /// Python: `n, address = s.recvfrom_into(buffer)` · system call: `recvfrom(2)`.
    ///
    /// Bytes that don't fit into the buffer are lost. `recvfrom_into` doesn't report this loss;
    /// [`recvmsg_into`](Socket::recvmsg_into) does.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Socket::recv), except `OutOfMemory`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{AF_INET, SOCK_DGRAM, socket};
    /// # fn main() -> std::io::Result<()> {
    /// # let a = socket(AF_INET, SOCK_DGRAM)?;
    /// # let b = socket(AF_INET, SOCK_DGRAM)?;
    /// # b.bind(("127.0.0.1", 0))?;
    /// # a.sendto(b"hello", b.getsockname()?)?;
    /// let mut buffer = [0; 1024]; // for all the datagrams to come
    /// let (n, address) = b.recvfrom_into(&mut buffer)?;
    /// assert_eq!(&buffer[..n], b"hello");
    /// b.sendto(b"thanks", address)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn recvfrom_into(&self, buffer: &mut [u8]) -> io::Result<(usize, Address)> {
        self.recvfrom_into_with(buffer, NONE_FOR_RECEIVING)
    }

    /// Like [`recvfrom_into`](Socket::recvfrom_into), with flags.
    ///
    /// Python: `n, address = s.recvfrom_into(buffer, 0, socket.MSG_PEEK)` · system call:
    /// `recvfrom(2)`.
    ///
    /// # Errors
    ///
    /// Those of [`recv_with`](Socket::recv_with), except `OutOfMemory`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{AF_INET, MSG_PEEK, SOCK_DGRAM, socket};
    /// # fn main() -> std::io::Result<()> {
    /// # let a = socket(AF_INET, SOCK_DGRAM)?;
    /// # let b = socket(AF_INET, SOCK_DGRAM)?;
    /// # b.bind(("127.0.0.1", 0))?;
    /// # a.sendto(b"hello", b.getsockname()?)?;
    /// let (n, _) = b.recvfrom_into_with(&mut [0; 1], MSG_PEEK)?;
    /// assert_eq!(n, 1);
    /// assert_eq!(b.recv(1024)?, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn recvfrom_into_with(
        &self,
        buffer: &mut [u8],
        flags: impl Into<MsgFlag<Receiving>>,
    ) -> io::Result<(usize, Address)> {
        let flags = flags.into();
        let (received, address) = self.attempt(PollFlags::IN, |now| {
            let flags = recv_flags(flags, now);
            let (received, _, address) = rustix::net::recvfrom(&self.inner, &mut *buffer, flags)?;
            Ok((received, address))
        })?;
        Ok((received, Address::from_received(address)))
    }
}
