//! Ending one direction of a connection or both, and closing the descriptor.

use std::io;
use std::net::Shutdown;

use crate::Socket;

impl Socket {
    /// Ends one direction of the connection, or both, without closing the descriptor:
    /// [`SHUT_WR`](crate::SHUT_WR), "I send no more", lets the peer read to the end of the stream
    /// and still answer.
    ///
    /// Python: `s.shutdown(socket.SHUT_WR)` · system call: `shutdown(2)`.
    ///
    /// Unlike closing one descriptor, this affects every descriptor of the socket, including those
    /// from [`dup`](Socket::dup) and those of other processes.
    ///
    /// # Errors
    ///
    /// `ENOTCONN`: the socket isn't connected, or the peer has reset it.
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

    /// Closes the descriptor, and returns an error if that failed.
    ///
    /// Python: `s.close()` · system call: `close(2)`.
    ///
    /// If it was the last descriptor of the socket, the peer reads the end of the stream. Bytes
    /// already sent are still delivered, in the background; a successful `close` doesn't mean that
    /// they have arrived. If bytes that arrived were never received here, TCP sends a reset
    /// instead, which may destroy bytes already sent.
    ///
    /// Dropping the socket closes it too, but ignores an error.
    ///
    /// # Errors
    ///
    /// The descriptor is closed, whatever is returned: never try again. `EBADF`: other code has
    /// already closed this descriptor, a bug that `Drop` would hide. `EINTR`: a signal arrived
    /// while `close` waited, which only a socket with [`SO_LINGER`](crate::SO_LINGER) does. `EIO`,
    /// `ENOSPC`, `EDQUOT` are for files. `ECONNRESET` (BSDs) only means that the peer closed first;
    /// as in Python, it is not reported. On Windows no error is reported.
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
    /// Python raises `EBADF` when a closed socket is used. Here that doesn't compile:
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
