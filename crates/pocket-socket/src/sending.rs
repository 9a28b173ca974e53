//! Sending bytes.

use std::io;

use rustix::event::PollFlags;

use crate::Socket;
use crate::flags::{DEFAULT_FOR_SENDING, MsgFlag, Sending};
use crate::timeout::Patience;

impl Socket {
    /// Sends as many bytes as the system has room for, and returns their number: check it.
    ///
    /// Python: `n = s.send(data)` · system call: `sendto(2)` without an address, which is
    /// `send(2)`, with `MSG_NOSIGNAL`.
    ///
    /// A socket that blocks waits until there is room, and takes everything unless a signal
    /// interrupts it; one that doesn't block, or has a [timeout](Socket::settimeout), takes what
    /// fits. A datagram is sent completely or not at all. Sent does not mean received: the bytes
    /// are in the system's buffer.
    ///
    /// # Errors
    ///
    /// `EPIPE`: the connection is over; `ECONNRESET`: the peer has reset it (reported once, then
    /// `EPIPE`). `ENOTCONN`: the socket was never connected. `EDESTADDRREQ`: the same on a datagram
    /// socket, except a Unix one (`ENOTCONN`). `EMSGSIZE`: a datagram that is too large.
    /// `ECONNREFUSED`: an earlier datagram found no receiver. `EAGAIN`: no room, and the socket
    /// doesn't block. Kind [`TimedOut`](io::ErrorKind::TimedOut), no errno: no room in time.
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

    /// [`send`](Socket::send) with flags.
    ///
    /// Python: `s.send(data, socket.MSG_DONTWAIT)` · system call: `send(2)`.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Socket::send). `EOPNOTSUPP`: a flag that this kind of socket doesn't know.
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
    /// Python: `s.sendall(data)` · system call: `send(2)`, once if the system takes all at once, as
    /// it does for a socket that blocks unless a signal interrupts it.
    ///
    /// A [timeout](Socket::settimeout) bounds the whole operation, however many calls it takes.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Socket::send). After an error, there is no telling how much was sent, so a
    /// protocol with messages cannot go on using the connection.
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

    /// [`sendall`](Socket::sendall) with flags.
    ///
    /// Python: `s.sendall(data, socket.MSG_OOB)` · system call: `send(2)`, with the flags each time.
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
    /// client.sendall_with(b"ABOR\r\n", MSG_OOB)?; // as FTP's clients interrupt a transfer
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
