//! Receiving bytes.

use std::io;

use rustix::buffer::spare_capacity;
use rustix::event::PollFlags;
use rustix::net::RecvFlags;

use crate::Socket;
use crate::flags::{MsgFlag, NONE_FOR_RECEIVING, Receiving};

impl Socket {
    /// Receives the bytes that have arrived, at most `bufsize`, waiting for the first one if need
    /// be. An empty result, `b""`, is the end of the stream: the peer sends no more.
    ///
    /// Python: `data = s.recv(1024)` · system call: `recvfrom(2)` without an address, which is
    /// `recv(2)`.
    ///
    /// One call doesn't return exactly the bytes that one call of the peer sent: a stream has no
    /// messages. A datagram arrives complete, and bytes beyond `bufsize` are lost; an empty
    /// datagram is `b""` too. A `bufsize` of 0 makes no system call, as in Python.
    ///
    /// Each call allocates `bufsize` bytes and keeps only as many as arrived, as in Python;
    /// [`recv_into`](Socket::recv_into) reuses your buffer.
    ///
    /// # Errors
    ///
    /// `ECONNRESET`: the peer has reset the connection. `ENOTCONN`: the socket isn't connected.
    /// `EINVAL`: a Unix stream socket that isn't connected. `EAGAIN`: nothing has arrived, and the
    /// socket doesn't block. Kind [`TimedOut`](io::ErrorKind::TimedOut), no errno: nothing arrived
    /// within the [timeout](Socket::settimeout). `ECONNREFUSED`: an earlier datagram found no
    /// receiver. Kind [`OutOfMemory`](io::ErrorKind::OutOfMemory): no memory for `bufsize` bytes.
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

    /// [`recv`](Socket::recv) with flags: [`MSG_PEEK`](crate::MSG_PEEK) looks at the bytes and
    /// leaves them in the queue.
    ///
    /// Python: `s.recv(1024, socket.MSG_PEEK)` · system call: `recv(2)`.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Socket::recv). `EINVAL` or `EOPNOTSUPP`: a flag that this kind of socket
    /// doesn't know; `EINVAL`: [`MSG_OOB`](crate::MSG_OOB), and no urgent byte has arrived.
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

    /// Receives into an existing buffer, and returns the number of bytes: 0 is the end of the
    /// stream (or an empty buffer).
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

    /// [`recv_into`](Socket::recv_into) with flags.
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

/// An empty buffer with room for exactly `bufsize` bytes. An allocation that fails is an error and not
/// an abort: the number may come from a user.
pub(crate) fn memory(bufsize: usize) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    data.try_reserve_exact(bufsize)
        .map_err(|_| io::ErrorKind::OutOfMemory)?;
    Ok(data)
}

/// A buffer of `bufsize` bytes, all zero; its pages take no memory until they are written. An allocation
/// that fails is an error.
#[cfg(unix)]
pub(crate) fn zeroed(bufsize: usize) -> io::Result<Vec<u8>> {
    // Reserves the memory and frees it again: `vec!` aborts where there is no memory, but has it
    // zeroed by the system. Without `black_box` the compiler removes the reservation as unused.
    std::hint::black_box(memory(bufsize)?);
    Ok(vec![0; bufsize])
}

/// The caller's flags, and what [`attempt`](Socket::attempt) adds.
pub(crate) fn recv_flags(flags: MsgFlag<Receiving>, now: i32) -> RecvFlags {
    RecvFlags::from_bits_retain((flags.bits() | now).cast_unsigned())
}
