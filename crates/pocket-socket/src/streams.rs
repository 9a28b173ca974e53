//! `Read` and `Write` for sockets, so that code for any reader or writer can use them, as Python
//! code uses `s.makefile()`.

use std::io::{self, Read, Write};

use crate::Socket;

/// Reads with [`Socket::recv_into`].
///
/// # Examples
///
/// Create a reader and a writer of the same socket like this:
///
/// ```
/// # use pocket_socket::{create_connection, create_server};
/// use std::io::{BufRead, BufReader, BufWriter, Write};
///
/// # fn main() -> std::io::Result<()> {
/// # let server = create_server(("127.0.0.1", 0))?;
/// # let s = create_connection(server.getsockname()?, None)?;
/// # let (conn, _) = server.accept()?;
/// # conn.sendall(b"hello\n")?;
/// let mut reader = BufReader::new(&s); // s.makefile("rb")
/// let mut writer = BufWriter::new(&s); // s.makefile("wb")
/// let mut line = String::new();
/// reader.read_line(&mut line)?;
/// write!(writer, "you said {line}")?;
/// writer.flush()?;
/// # assert_eq!(conn.recv(1024)?, b"you said hello\n");
/// # Ok(())
/// # }
/// ```
impl Read for &Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv_into(buffer)
    }
}

/// Writes with [`Socket::send`]. `flush` does nothing, because sent bytes are no longer in the
/// program.
impl Write for &Socket {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.send(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads with [`Socket::recv_into`], for a reader that owns the socket: `BufReader::new(s)`. Unlike
/// one that borrows the socket, it can be stored.
impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv_into(buffer)
    }
}

/// Writes with [`Socket::send`], for a writer that owns the socket: `BufWriter::new(socket)`.
impl Write for Socket {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.send(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
