//! `Read` and `Write`, for all that reads and writes: what Python's `s.makefile()` is for.

use std::io::{self, Read, Write};

use crate::Socket;

/// [`Socket::recv_into`].
impl Read for &Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv_into(buffer)
    }
}

/// [`Socket::send`]. There is nothing to flush: what is sent has left the program.
impl Write for &Socket {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.send(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The same, of a socket that is given away: `BufReader::new(socket)`.
impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv_into(buffer)
    }
}

/// The same, of a socket that is given away: `BufWriter::new(socket)`.
impl Write for Socket {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.send(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
