//! The blocking connection: one read and one write a round trip.

use crate::frame::{
    BadPreamble, DEFAULT_MAX_FRAME, Frame, FrameError, LENGTH_BYTES, Message, PREAMBLE,
    check_preamble, encode_header, encode_preamble, frame_size,
};
use std::fmt;
use std::io::{self, ErrorKind, IoSlice, Read, Write};

/// What the buffer for arriving bytes starts with. It doubles whenever that many bytes have come
/// and a frame is still not whole, so it never grows ahead of the bytes.
const FIRST_BUFFER: usize = 16 * 1024;

/// From here on a body is written from where it lies, by a vectored write; a smaller one is
/// copied behind its header, which is cheaper.
const WRITTEN_IN_PLACE: usize = 4 * 1024;

/// Frames over a stream that blocks, in memory that follows the bytes that come.
///
/// A message is written by one call and, once it has arrived, read by one call, however many
/// frames lie in it. An error of the stream loses no bytes: after a timeout,
/// [`receive`](Self::receive) goes on inside the frame that it was interrupted in, and
/// [`flush`](Self::flush) behind the last byte that was taken.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    max_frame: u32,
    preamble_expected: bool,
    /// `incoming[start..end]` has come and was not taken yet.
    incoming: Vec<u8>,
    start: usize,
    end: usize,
    outgoing: Vec<u8>,
}

impl<S> Connection<S> {
    /// The client's end: the preamble goes out in front of the first message.
    pub fn client(stream: S) -> Self {
        let mut connection = Connection::new(stream, false);
        encode_preamble(&mut connection.outgoing);
        connection
    }

    /// The server's end: the preamble is expected in front of the first message.
    pub fn server(stream: S) -> Self {
        Connection::new(stream, true)
    }

    fn new(stream: S, preamble_expected: bool) -> Self {
        Connection {
            stream,
            max_frame: DEFAULT_MAX_FRAME,
            preamble_expected,
            incoming: Vec::new(),
            start: 0,
            end: 0,
            outgoing: Vec::new(),
        }
    }

    /// Refuses frames that declare more than `max_frame` bytes, instead of
    /// [`DEFAULT_MAX_FRAME`].
    #[must_use]
    pub fn with_max_frame(mut self, max_frame: u32) -> Self {
        self.set_max_frame(max_frame);
        self
    }

    /// From now on refuses frames that declare more than `max_frame` bytes.
    pub fn set_max_frame(&mut self, max_frame: u32) {
        self.max_frame = max_frame;
    }

    /// The stream below, to set its timeouts or to shut it down. Bytes read from it past this
    /// connection are missing here.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// The stream below, to be changed.
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Bytes of memory that it holds for messages: no more than twice the largest message that
    /// came, or 16 KiB, and what is queued.
    pub fn memory(&self) -> usize {
        self.incoming.capacity() + self.outgoing.capacity()
    }

    /// Puts a message behind those that wait for [`flush`](Self::flush).
    pub fn queue(&mut self, message: &impl Message) {
        message.encode(&mut self.outgoing);
    }
}

impl<S: Write> Connection<S> {
    /// Writes a message, with all that was queued before it, in one call where the stream takes
    /// all of it.
    ///
    /// # Errors
    ///
    /// Those of the stream. What it did not take stays queued, so [`flush`](Self::flush) can go on.
    #[inline]
    pub fn send(&mut self, message: &impl Message) -> io::Result<()> {
        let body = message.body();
        if body.len() < WRITTEN_IN_PLACE {
            message.encode(&mut self.outgoing);
            return self.flush();
        }
        self.outgoing
            .extend_from_slice(&encode_header(message.kind(), body.len()));
        self.send_behind_queued(&body)
    }

    /// Writes what is queued.
    ///
    /// # Errors
    ///
    /// Those of the stream. What it did not take stays queued.
    #[inline]
    pub fn flush(&mut self) -> io::Result<()> {
        self.send_behind_queued(&[])
    }

    /// Writes what is queued, then `body`, without copying it unless the stream fails.
    fn send_behind_queued(&mut self, body: &[u8]) -> io::Result<()> {
        let total = self.outgoing.len() + body.len();
        let mut written = 0;
        let outcome = loop {
            if written == total {
                break Ok(());
            }
            let queued = self.outgoing.get(written..).unwrap_or_default();
            let rest = &body[written.saturating_sub(self.outgoing.len())..];
            let taken = match (queued, rest) {
                (queued, []) => self.stream.write(queued),
                ([], rest) => self.stream.write(rest),
                (queued, rest) => self
                    .stream
                    .write_vectored(&[IoSlice::new(queued), IoSlice::new(rest)]),
            };
            match taken {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        if outcome.is_err() {
            self.outgoing.extend_from_slice(body);
        }
        self.outgoing.drain(..written.min(self.outgoing.len()));
        outcome
    }
}

impl<S: Read> Connection<S> {
    /// Waits for the next frame; `None` is the end of the stream behind a whole frame. The frame
    /// lies in this connection's buffer until the next call.
    ///
    /// # Errors
    ///
    /// Those of the stream (also its timeouts: call again, nothing is lost), and bytes in which
    /// no frame can be found.
    #[inline]
    pub fn receive(&mut self) -> Result<Option<Frame<'_>>, ConnectionError> {
        let Some(size) = self.wait_for_size()? else {
            return Ok(None);
        };
        let frame = &self.incoming[self.start..][..size];
        self.start += size;
        Ok(Some(Frame {
            kind: frame[LENGTH_BYTES],
            body: &frame[LENGTH_BYTES + 1..],
        }))
    }

    /// Waits until the next frame is whole, without taking it: [`receive`](Self::receive) then
    /// returns at once. `false` is the end of the stream behind a whole frame.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn wait(&mut self) -> Result<bool, ConnectionError> {
        Ok(self.wait_for_size()?.is_some())
    }

    #[inline]
    fn wait_for_size(&mut self) -> Result<Option<usize>, ConnectionError> {
        if self.preamble_expected && !self.receive_preamble()? {
            return Ok(None);
        }
        loop {
            match frame_size(&self.incoming[self.start..self.end], self.max_frame)? {
                Some(size) if size <= self.end - self.start => return Ok(Some(size)),
                size if !self.read_more()? => {
                    return match self.end - self.start {
                        0 => Ok(None),
                        came => Err(ConnectionError::EndInsideFrame { came, size }),
                    };
                }
                _ => {}
            }
        }
    }

    /// Whether a whole frame has come already, so that [`receive`](Self::receive) will not wait.
    pub fn has_frame(&self) -> bool {
        let came = &self.incoming[self.start..self.end];
        !self.preamble_expected
            && !matches!(frame_size(came, self.max_frame), Ok(None))
            && !matches!(frame_size(came, self.max_frame), Ok(Some(size)) if size > came.len())
    }

    /// `false` is the end of the stream before the first byte.
    fn receive_preamble(&mut self) -> Result<bool, ConnectionError> {
        while !check_preamble(&self.incoming[self.start..self.end])? {
            if !self.read_more()? {
                return match self.end - self.start {
                    0 => Ok(false),
                    came => Err(ConnectionError::EndInsideFrame {
                        came,
                        size: Some(PREAMBLE.len()),
                    }),
                };
            }
        }
        self.start += PREAMBLE.len();
        self.preamble_expected = false;
        Ok(true)
    }

    /// One read into the buffer, behind what has come; `false` is the end of the stream.
    fn read_more(&mut self) -> io::Result<bool> {
        self.make_room();
        loop {
            match self.stream.read(&mut self.incoming[self.end..]) {
                Ok(bytes) => {
                    self.end += bytes;
                    return Ok(bytes > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn make_room(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end < self.incoming.len() {
            return;
        }
        if self.start > 0 {
            self.incoming.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        } else {
            self.incoming.resize(FIRST_BUFFER.max(2 * self.end), 0);
        }
    }
}

/// Why there is no next frame.
#[derive(Debug)]
pub enum ConnectionError {
    /// The stream failed, or its timeout passed.
    Io(io::Error),
    /// The peer's first bytes are no preamble of this protocol.
    BadPreamble(BadPreamble),
    /// A length after which no frame can be found any more.
    Frame(FrameError),
    /// The stream ended inside a frame, or inside the preamble.
    EndInsideFrame {
        /// How many bytes of it came.
        came: usize,
        /// How many it should have, if that came.
        size: Option<usize>,
    },
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectionError::Io(error) => error.fmt(f),
            ConnectionError::BadPreamble(error) => error.fmt(f),
            ConnectionError::Frame(error) => error.fmt(f),
            ConnectionError::EndInsideFrame {
                came,
                size: Some(size),
            } => {
                write!(f, "the stream ended after {came} of {size} bytes")
            }
            ConnectionError::EndInsideFrame { came, size: None } => {
                write!(f, "the stream ended after {came} bytes of a frame's length")
            }
        }
    }
}

impl std::error::Error for ConnectionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ConnectionError::Io(error) => error.source(),
            _ => None,
        }
    }
}

impl From<io::Error> for ConnectionError {
    fn from(error: io::Error) -> Self {
        ConnectionError::Io(error)
    }
}

impl From<BadPreamble> for ConnectionError {
    fn from(error: BadPreamble) -> Self {
        ConnectionError::BadPreamble(error)
    }
}

impl From<FrameError> for ConnectionError {
    fn from(error: FrameError) -> Self {
        ConnectionError::Frame(error)
    }
}
