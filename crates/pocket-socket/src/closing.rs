//! Ending one direction of a connection or both, and closing the descriptor.

use std::io;
use std::net::Shutdown;

use crate::Socket;

impl Socket {
    /// Shuts down one direction of the connection, or both, without closing the descriptor. After
    /// [`SHUT_WR`](crate::SHUT_WR), which means "I won't send any more", the peer reads the end of
    /// the stream and can still reply.
    ///
    /// Python: `s.shutdown(socket.SHUT_WR)` · system call: `shutdown(2)`.
    ///
    /// Unlike closing one descriptor, this affects every descriptor of the socket, including those
    /// from [`dup`](Socket::dup) and those of other processes.
    ///
    /// # Errors
    ///
    /// `ENOTCONN`: the socket isn't connected, or the peer has reset the connection.
    ///
    /// # Examples
    ///
    /// ```
    /// use pocket_socket::{SHUT_WR, create_connection, create_server};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let server = create_server(("127.0.0.1", 0))?;
    /// let client = create_connection(server.getsockname()?, None)?;
    /// let (conn, _) = server.accept()?;
    /// client.shutdown(SHUT_WR)?;
    /// assert_eq!(conn.recv(1024)?, b""); // end of stream
    /// conn.sendall(b"goodbye")?; // the other direction is open
    /// assert_eq!(client.recv(1024)?, b"goodbye");
    /// # Ok(())
    /// # }
    /// ```
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.inner.shutdown(how)
    }

    /// Closes the descriptor, and returns an error if `close(2)` failed.
    ///
    /// Python: `s.close()` · system call: `close(2)`.
    ///
    /// If this was the last descriptor of the socket, the peer reads the end of the stream. The
    /// system still delivers the bytes already sent, in the background; a successful `close`
    /// doesn't mean that they have arrived. If the socket still holds bytes that the program never
    /// received, TCP sends a reset instead of the end of the stream, and the reset may destroy
    /// bytes already sent.
    ///
    /// Dropping a `Socket` closes it too, but ignores any error.
    ///
    /// # Errors
    ///
    /// The descriptor is closed even if an error is returned, so never call `close` a second time.
    /// `EBADF`: other code has already closed this descriptor, a bug that `Drop` would hide.
    /// `EINTR`: a signal arrived while `close` was waiting; it only waits on a socket with
    /// [`SO_LINGER`](crate::SO_LINGER). `EIO`, `ENOSPC` and `EDQUOT` concern files, not sockets.
    /// `ECONNRESET`, which BSDs return if the peer closed first, is not reported, as in Python. On
    /// Windows no error is reported.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let s = pocket_socket::socket(pocket_socket::AF_INET, pocket_socket::SOCK_STREAM)?;
    /// s.close()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Python raises `EBADF` when a closed socket is used. Here, using a socket after `close`
    /// doesn't compile:
    ///
    /// ```compile_fail,E0382
    /// # fn main() -> std::io::Result<()> {
    /// let s = pocket_socket::socket(pocket_socket::AF_INET, pocket_socket::SOCK_STREAM)?;
    /// s.close()?;
    /// s.send(b"hello")?; // borrow of moved value: `s`
    /// # Ok(())
    /// # }
    /// ```
    pub fn close(self) -> io::Result<()> {
        #[cfg(unix)]
        return match nix::unistd::close(std::os::fd::OwnedFd::from(self.inner)) {
            Ok(()) | Err(nix::errno::Errno::ECONNRESET) => Ok(()),
            Err(errno) => Err(errno.into()),
        };
        #[cfg(windows)]
        {
            drop(self);
            Ok(())
        }
    }
}
