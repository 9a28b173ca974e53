//! A peer as `Read + Write`: for a protocol that another crate implements, above all TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use super::{Ending, Peer};

/// A peer as `Read + Write`. [`Peer::stream`] creates one. To change how bytes are sent, create
/// another.
///
/// A read waits as long as the peer's verbs do. At the end of the stream it returns 0 bytes. A
/// reset and silence are errors; [`Ending::of`] tells which of the two an error is.
pub struct PeerStream<'a> {
    peer: &'a mut Peer,
    manner: Manner,
    /// Bytes written and not yet flushed.
    held: Vec<u8>,
}

/// How bytes are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    AsWritten,
    InPieces(usize),
    AtFlush,
}

impl Peer {
    /// Returns this peer as `Read + Write`, for rustls or for a reader of lines. The check still
    /// decides how bytes are sent and how the connection ends, and the timeline shows both.
    ///
    /// ```no_run
    /// # let server = scripted_peer::Program::new("server").listen();
    /// use std::io::{Read as _, Write as _};
    ///
    /// let mut peer = server.connect();
    /// // With rustls: let mut tls = rustls::Stream::new(&mut connection, &mut stream);
    /// let mut stream = peer.stream().drip(); // every record arrives byte by byte
    /// stream.write_all(b"hello\n").unwrap();
    /// let mut answer = [0; 6];
    /// stream.read_exact(&mut answer).unwrap();
    /// peer.half_close(); // a cut: no close_notify was sent before it
    /// peer.expect_end();
    /// ```
    pub fn stream(&mut self) -> PeerStream<'_> {
        PeerStream {
            peer: self,
            manner: Manner::AsWritten,
            held: Vec::new(),
        }
    }
}

impl Peer {
    /// Returns the bytes that have arrived so far, and how the connection ended, if it has.
    pub(crate) fn take_now(&mut self) -> (Vec<u8>, Option<Ending>) {
        while self.ending.is_none() && self.read() {}
        (std::mem::take(&mut self.inbox), self.ending)
    }
}

/// For waiting on this descriptor together with others.
impl AsFd for Peer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl PeerStream<'_> {
    /// Sends what is written one byte at a time, each only after the program has read the previous
    /// one (see [`Peer::drip`]).
    #[must_use]
    pub fn drip(self) -> Self {
        self.in_pieces(1)
    }

    /// Like [`drip`](Self::drip), but sends pieces of `size` bytes.
    #[must_use]
    pub fn in_pieces(mut self, size: usize) -> Self {
        self.manner = Manner::InPieces(size);
        self
    }

    /// Keeps what is written until the next flush, and then sends it in one write (see
    /// [`Peer::coalesce`]).
    #[must_use]
    pub fn coalesce(mut self) -> Self {
        self.manner = Manner::AtFlush;
        self
    }

    /// Returns the peer, to use a verb between two reads or writes.
    pub fn peer(&mut self) -> &mut Peer {
        self.peer
    }

    /// Fails if the connection has ended: it accepts no more bytes.
    fn gone(&self) -> io::Result<()> {
        if self.peer.reset_seen || self.peer.ending == Some(Ending::Reset) {
            return Err(error(Ending::Reset, "a reset"));
        }
        Ok(())
    }
}

impl Read for PeerStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let peer = &mut *self.peer;
        match peer.fill(peer.new_patience(), |inbox| !inbox.is_empty()) {
            None => {
                let length = peer.inbox.len().min(buffer.len());
                buffer[..length].copy_from_slice(&peer.inbox[..length]);
                peer.inbox.drain(..length);
                Ok(length)
            }
            Some(Ending::End) => Ok(0),
            Some(Ending::Silence) => Err(error(
                Ending::Silence,
                &format!("silence for {:?}", peer.patience),
            )),
            Some(ending) => Err(error(ending, &ending.to_string())),
        }
    }
}

impl Write for PeerStream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gone()?;
        match self.manner {
            Manner::AsWritten => drop(self.peer.send(bytes)),
            Manner::InPieces(size) => drop(self.peer.drip_pieces(bytes, size)),
            Manner::AtFlush => {
                self.held.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
        }
        self.gone()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.peer.send(held);
        }
        self.gone()
    }
}

impl Ending {
    /// Returns the ending that an error of a [`PeerStream`] stands for, even if a library has
    /// wrapped the error. An end of stream within a message (`UnexpectedEof`) is an end. For other
    /// kinds of error, the result is `None`.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<Self> {
        match error.kind() {
            ErrorKind::UnexpectedEof => Some(Self::End),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Some(Self::Reset),
            ErrorKind::ConnectionRefused => Some(Self::Refusal),
            ErrorKind::TimedOut => Some(Self::Silence),
            _ => None,
        }
    }
}

fn error(ending: Ending, what: &str) -> io::Error {
    let kind = match ending {
        Ending::End => ErrorKind::UnexpectedEof,
        Ending::Reset => ErrorKind::ConnectionReset,
        Ending::Refusal => ErrorKind::ConnectionRefused,
        Ending::Silence => ErrorKind::TimedOut,
    };
    io::Error::new(kind, what)
}
