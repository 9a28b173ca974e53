//! Sending bytes.

use std::io;

use rustix::event::PollFlags;

use crate::Socket;
use crate::flags::{DEFAULT_FOR_SENDING, MsgFlag, Sending};
use crate::timeout::Patience;

impl Socket {
    /// Sends as many bytes as the system has room for, and returns their number, which may be less
    /// than `data.len()`: check it.
    ///
    /// Python: `n = s.send(data)` · system call: `sendto(2)` without an address, which is
    /// `send(2)`, with `MSG_NOSIGNAL`.
    ///
    /// A blocking socket waits until there is room for all of `data`, and sends less only if a
    /// signal interrupts it. A socket that is non-blocking or has a [timeout](Socket::settimeout)
    /// sends what fits. A datagram is sent completely or not at all. "Sent" doesn't mean received:
    /// the bytes are in a buffer of the system.
    ///
    /// # Errors
    ///
    /// `EPIPE`: the connection is closed, or this side has shut down sending. `ECONNRESET`: the
    /// peer has reset the connection; this is reported once, and later sends fail with `EPIPE`.
    /// `ENOTCONN`: the socket was never connected. `EDESTADDRREQ`: a datagram socket was never
    /// connected (on a Unix one: `ENOTCONN`). `EMSGSIZE`: `data` is larger than a datagram can be.
    /// `ECONNREFUSED`: an earlier datagram found no receiver. `EAGAIN`: there is no room, and the
    /// socket is non-blocking. Kind [`TimedOut`](io::ErrorKind::TimedOut), no errno: there was no
    /// room within the [timeout](Socket::settimeout).
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{create_connection, create_server};
    /// # fn main() -> std::io::Result<()> {
    /// # let server = create_server(("127.0.0.1", 0))?;
    /// let client = create_connection(server.getsockname()?, None)?;
    /// let sent = client.send(b"hello")?;
    /// assert_eq!(sent, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.send_with(data, DEFAULT_FOR_SENDING)
    }

    /// Like [`send`](Socket::send), with flags.
    ///
    /// Python: `s.send(data, socket.MSG_DONTWAIT)` · system call: `send(2)`.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Socket::send). `EOPNOTSUPP`: this kind of socket doesn't support one of
    /// the flags.
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{MSG_OOB, create_connection, create_server};
    /// # fn main() -> std::io::Result<()> {
    /// # let server = create_server(("127.0.0.1", 0))?;
    /// # let client = create_connection(server.getsockname()?, None)?;
    /// client.send_with(b"!", MSG_OOB)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_with(&self, data: &[u8], flags: impl Into<MsgFlag<Sending>>) -> io::Result<usize> {
        self.send_patiently(data, flags.into(), &mut Patience::of(self))
    }

    /// Sends all of `data`, in as many calls as it takes.
    ///
    /// Python: `s.sendall(data)` · system call: `send(2)`, repeated until everything is sent. On a
    /// blocking socket one call is enough, unless a signal interrupts it.
    ///
    /// A [timeout](Socket::settimeout) bounds the whole operation, however many system calls it
    /// takes.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Socket::send). After an error you can't tell how much was sent, so if your
    /// protocol has messages, close the connection.
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{create_connection, create_server};
    /// # fn main() -> std::io::Result<()> {
    /// # let server = create_server(("127.0.0.1", 0))?;
    /// let client = create_connection(server.getsockname()?, None)?;
    /// client.sendall(b"hello")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sendall(&self, data: &[u8]) -> io::Result<()> {
        self.sendall_with(data, DEFAULT_FOR_SENDING)
    }

    /// Like [`sendall`](Socket::sendall), with flags.
    ///
    /// Python: `s.sendall(data, socket.MSG_OOB)` · system call: `send(2)`, with the flags in every
    /// call.
    ///
    /// # Errors
    ///
    /// Those of [`sendall`](Socket::sendall) and [`send_with`](Socket::send_with).
    ///
    /// # Examples
    ///
    /// ```
    /// # use pocket_socket::{MSG_OOB, create_connection, create_server};
    /// # fn main() -> std::io::Result<()> {
    /// # let server = create_server(("127.0.0.1", 0))?;
    /// # let client = create_connection(server.getsockname()?, None)?;
    /// client.sendall_with(b"ABOR\r\n", MSG_OOB)?; // Python's ftplib aborts a transfer this way
    /// # Ok(())
    /// # }
    /// ```
    pub fn sendall_with(&self, data: &[u8], flags: impl Into<MsgFlag<Sending>>) -> io::Result<()> {
        let flags = flags.into();
        let mut patience = Patience::of(self);
        let mut rest = data;
        loop {
            let sent = self.send_patiently(rest, flags, &mut patience)?;
            rest = &rest[sent..];
            if rest.is_empty() {
                return Ok(());
            }
            // Nor can a peer that always makes room just in time prolong the whole operation.
            patience.left()?;
        }
    }

    fn send_patiently(
        &self,
        data: &[u8],
        flags: MsgFlag<Sending>,
        patience: &mut Patience<'_>,
    ) -> io::Result<usize> {
        let flags = (flags | DEFAULT_FOR_SENDING).bits();
        patience.attempt(PollFlags::OUT, |now| {
            self.inner.send_with_flags(data, flags | now)
        })
    }
}
