//! `Read` and `Write`, for code that works with any reader or writer: what Python's `s.makefile()`
//! is for.

use std::io::{self, Read, Write};

use crate::Socket;

/// Reads with [`Socket::recv_into`].
///
/// # Examples
///
/// A reader and a writer of one socket:
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

/// Writes with [`Socket::send`]. There is nothing to flush: sent bytes have left the program.
impl Write for &Socket {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.send(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The same for an owned socket, so that the reader can be kept: `BufReader::new(s)`. Like Python's
/// `s.makefile()`, it outlives the `s` that it was made from.
impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv_into(buffer)
    }
}

/// The same for an owned socket: `BufWriter::new(socket)`.
impl Write for Socket {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.send(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
