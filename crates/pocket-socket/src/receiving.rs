//! Receiving bytes.

use std::io;

use rustix::buffer::spare_capacity;
use rustix::event::PollFlags;
use rustix::net::RecvFlags;

use crate::Socket;
use crate::flags::{MsgFlag, NONE_FOR_RECEIVING, Receiving};

impl Socket {
    /// Receives the bytes that have arrived, at most `bufsize` of them; if there are none, waits
    /// for the first. An empty result, `b""`, means the end of the stream: the peer won't send any
    /// more.
    ///
    /// Python: `data = s.recv(1024)` · system call: `recvfrom(2)` without an address, which is
    /// `recv(2)`.
    ///
    /// A stream has no message boundaries: one `recv` may return part of what the peer passed to
    /// one `send`, or the bytes of several. A datagram arrives complete, but bytes beyond `bufsize`
    /// are lost, and an empty datagram is `b""`, too. With a `bufsize` of 0, no system call is
    /// made, as in Python.
    ///
    /// Each call allocates `bufsize` bytes, and gives back what it didn't need, as in Python.
    /// [`recv_into`](Socket::recv_into) reuses a buffer of yours.
    ///
    /// # Errors
    ///
    /// `ECONNRESET`: the peer has reset the connection. `ENOTCONN`: the socket isn't connected.
    /// `EINVAL`: this is a Unix stream socket that isn't connected. `EAGAIN`: nothing has arrived,
    /// and the socket is non-blocking. Kind [`TimedOut`](io::ErrorKind::TimedOut), no errno:
    /// nothing arrived within the [timeout](Socket::settimeout). `ECONNREFUSED`: a datagram that
    /// this socket sent earlier found no receiver. Kind
    /// [`OutOfMemory`](io::ErrorKind::OutOfMemory): there is no memory for `bufsize` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{create_connection, create_server};
    /// # fn main() -> std::io::Result<()> {
    /// # let server = create_server(("127.0.0.1", 0))?;
    /// # let client = create_connection(server.getsockname()?, None)?;
    /// # let (conn, _) = server.accept()?;
    /// client.sendall(b"hello")?;
    /// assert_eq!(conn.recv(4)?, b"hell");
    /// assert_eq!(conn.recv(4)?, b"o");
    /// # Ok(())
    /// # }
    /// ```
    pub fn recv(&self, bufsize: usize) -> io::Result<Vec<u8>> {
        self.recv_with(bufsize, NONE_FOR_RECEIVING)
    }

    /// Like [`recv`](Socket::recv), with flags. With [`MSG_PEEK`](crate::MSG_PEEK), it returns the
    /// bytes and leaves them in the queue.
    ///
    /// Python: `s.recv(1024, socket.MSG_PEEK)` · system call: `recv(2)`.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Socket::recv). `EINVAL` or `EOPNOTSUPP`: this kind of socket doesn't
    /// support one of the flags. `EINVAL` with [`MSG_OOB`](crate::MSG_OOB): no urgent byte has
    /// arrived.
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{MSG_PEEK, create_connection, create_server};
    /// # fn main() -> std::io::Result<()> {
    /// # let server = create_server(("127.0.0.1", 0))?;
    /// # let client = create_connection(server.getsockname()?, None)?;
    /// # let (conn, _) = server.accept()?;
    /// client.sendall(b"hello")?;
    /// assert_eq!(conn.recv_with(1, MSG_PEEK)?, b"h");
    /// assert_eq!(conn.recv(1)?, b"h");
    /// # Ok(())
    /// # }
    /// ```
    pub fn recv_with(
        &self,
        bufsize: usize,
        flags: impl Into<MsgFlag<Receiving>>,
    ) -> io::Result<Vec<u8>> {
        let flags = flags.into();
        let mut data = memory(bufsize)?;
        if bufsize > 0 {
            self.attempt(PollFlags::IN, |now| {
                let flags = recv_flags(flags, now);
                Ok(rustix::net::recv(
                    &self.inner,
                    spare_capacity(&mut data),
                    flags,
                )?)
            })?;
        }
        data.shrink_to_fit();
        Ok(data)
    }

    /// Receives into an existing buffer, and returns the number of bytes received. 0 means the end
    /// of the stream, unless the buffer is empty.
    ///
    /// Python: `n = s.recv_into(buffer)` · system call: `recv(2)`.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Socket::recv), except `OutOfMemory`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{create_connection, create_server};
    /// # fn main() -> std::io::Result<()> {
    /// # let server = create_server(("127.0.0.1", 0))?;
    /// # let client = create_connection(server.getsockname()?, None)?;
    /// # let (conn, _) = server.accept()?;
    /// client.sendall(b"hello")?;
    /// let mut buffer = [0; 1024];
    /// let n = conn.recv_into(&mut buffer)?;
    /// assert_eq!(&buffer[..n], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn recv_into(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv_into_with(buffer, NONE_FOR_RECEIVING)
    }

    /// Like [`recv_into`](Socket::recv_into), with flags.
    ///
    /// Python: `n = s.recv_into(buffer, 0, socket.MSG_PEEK)` · system call: `recv(2)`.
    ///
    /// # Errors
    ///
    /// Those of [`recv_with`](Socket::recv_with), except `OutOfMemory`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{MSG_PEEK, create_connection, create_server};
    /// # fn main() -> std::io::Result<()> {
    /// # let server = create_server(("127.0.0.1", 0))?;
    /// # let client = create_connection(server.getsockname()?, None)?;
    /// # let (conn, _) = server.accept()?;
    /// client.sendall(b"hello")?;
    /// let mut first = [0; 1];
    /// assert_eq!(conn.recv_into_with(&mut first, MSG_PEEK)?, 1);
    /// assert_eq!(conn.recv(1024)?, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn recv_into_with(
        &self,
        buffer: &mut [u8],
        flags: impl Into<MsgFlag<Receiving>>,
    ) -> io::Result<usize> {
        let flags = flags.into();
        if buffer.is_empty() {
            return Ok(0);
        }
        self.attempt(PollFlags::IN, |now| {
            let (received, _) =
                rustix::net::recv(&self.inner, &mut *buffer, recv_flags(flags, now))?;
            Ok(received)
        })
    }
}

/// Returns an empty buffer with a capacity of exactly `bufsize` bytes. If the allocation fails, it
/// returns an error instead of aborting, because `bufsize` may come from a user.
pub(crate) fn memory(bufsize: usize) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    data.try_reserve_exact(bufsize)
        .map_err(|_| io::ErrorKind::OutOfMemory)?;
    Ok(data)
}

/// Returns a buffer of `bufsize` zero bytes. Its pages take no memory until they are written. If
/// the allocation fails, it returns an error.
#[cfg(unix)]
pub(crate) fn zeroed(bufsize: usize) -> io::Result<Vec<u8>> {
    // Reserves the memory and frees it again: `vec!` aborts where there is no memory, but has it
    // zeroed by the system. Without `black_box` the compiler removes the reservation as unused.
    std::hint::black_box(memory(bufsize)?);
    Ok(vec![0; bufsize])
}

/// Combines the caller's flags with those that [`attempt`](Socket::attempt) adds.
pub(crate) fn recv_flags(flags: MsgFlag<Receiving>, now: i32) -> RecvFlags {
    RecvFlags::from_bits_retain((flags.bits() | now).cast_unsigned())
}
