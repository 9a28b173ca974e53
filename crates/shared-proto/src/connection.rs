//! The blocking connection: one read and one write per round trip.

use crate::frame::{
    BadPreamble, DEFAULT_MAX_FRAME, Frame, FrameError, PREAMBLE, check_preamble, frame_size,
};
use crate::message::Message;
use crate::read_buffer::ReadBuffer;
use crate::write_buffer::WriteBuffer;
use std::fmt;
use std::io::{self, Read, Write};

/// Frames over a blocking stream, in memory that grows with the bytes that arrive.
///
/// A message is written by one call and, once it has arrived, read by one call, together with any
/// other frames that have arrived. A stream error loses no bytes: after a timeout,
/// [`receive`](Self::receive) resumes in the middle of the frame, and [`flush`](Self::flush) after
/// the last byte written.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    max_frame: u32,
    preamble_expected: bool,
    read_buffer: ReadBuffer,
    write_buffer: WriteBuffer,
}

impl<S> Connection<S> {
    /// Creates the client's end: the preamble is sent before the first message.
    pub fn client(stream: S) -> Self {
        let mut connection = Connection::new(stream, false);
        connection.write_buffer.queue_bytes(&PREAMBLE);
        connection
    }

    /// Creates the server's end: the preamble is expected before the first message.
    pub fn server(stream: S) -> Self {
        Connection::new(stream, true)
    }

    fn new(stream: S, preamble_expected: bool) -> Self {
        Connection {
            stream,
            max_frame: DEFAULT_MAX_FRAME,
            preamble_expected,
            read_buffer: ReadBuffer::default(),
            write_buffer: WriteBuffer::default(),
        }
    }

    /// Refuses frames that declare more than `max_frame` bytes, instead of
    /// [`DEFAULT_MAX_FRAME`].
    #[must_use]
    pub fn with_max_frame(mut self, max_frame: u32) -> Self {
        self.set_max_frame(max_frame);
        self
    }

    /// Refuses, from now on, frames that declare more than `max_frame` bytes.
    pub fn set_max_frame(&mut self, max_frame: u32) {
        self.max_frame = max_frame;
    }

    /// Returns the underlying stream, to set its timeouts or to shut it down. Bytes read from it
    /// directly are lost to this connection.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Returns the underlying stream, mutably.
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Returns whether bytes after the last message have already been read.
    pub fn has_more(&self) -> bool {
        !self.read_buffer.bytes().is_empty()
    }

    /// Returns the bytes of memory held for messages: no more than twice the largest message that
    /// has arrived, or 16 KiB, plus the messages that are queued.
    pub fn memory(&self) -> usize {
        self.read_buffer.capacity() + self.write_buffer.capacity()
    }

    /// Queues a message until the next [`flush`](Self::flush).
    pub fn queue(&mut self, message: &impl Message) {
        self.write_buffer.queue(message);
    }
}

impl<S: Write> Connection<S> {
    /// Writes a message, after everything queued before it, in one call if the stream takes all of
    /// it.
    ///
    /// # Errors
    ///
    /// Those of the stream. Bytes not written stay queued, and [`flush`](Self::flush) resumes after
    /// the last byte written.
    #[inline]
    pub fn send(&mut self, message: &impl Message) -> io::Result<()> {
        self.write_buffer.send(message, &mut self.stream)
    }

    /// Writes what is queued.
    ///
    /// # Errors
    ///
    /// Those of the stream. Bytes not written stay queued.
    #[inline]
    pub fn flush(&mut self) -> io::Result<()> {
        self.write_buffer.write_to(&mut self.stream, &[])
    }
}

impl<S: Read + Write> Connection<S> {
    /// Waits for the next request and has it answered, without copying a body that the answer
    /// borrows from the request. While more whole frames are buffered, the answer is only queued,
    /// so that answers are sent together. Returns `false` at the end of the stream.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive) and [`send`](Self::send).
    #[inline]
    pub fn answer(
        &mut self,
        respond: impl FnOnce(Frame<'_>, Answer<'_, S>) -> io::Result<()>,
    ) -> Result<bool, ConnectionError> {
        let Some(size) = self.wait_for_size()? else {
            return Ok(false);
        };
        let more = is_whole_frame(&self.read_buffer.bytes()[size..], self.max_frame);
        let answer = Answer {
            write_buffer: &mut self.write_buffer,
            stream: &mut self.stream,
            more,
        };
        respond(self.read_buffer.take(size), answer)?;
        Ok(true)
    }
}

/// Takes the answer to one request: see [`Connection::answer`].
#[derive(Debug)]
pub struct Answer<'a, S> {
    write_buffer: &'a mut WriteBuffer,
    stream: &'a mut S,
    /// More whole frames are waiting to be answered.
    more: bool,
}

impl<S: Write> Answer<'_, S> {
    /// Sends the answer, or queues it before the next.
    ///
    /// # Errors
    ///
    /// Those of the stream. Bytes not written stay queued.
    #[inline]
    pub fn send(self, message: &impl Message) -> io::Result<()> {
        if self.more {
            self.write_buffer.queue(message);
            return Ok(());
        }
        self.write_buffer.send(message, self.stream)
    }
}

impl<S: Read> Connection<S> {
    /// Waits for the next frame; `None` is the end of the stream after a whole frame. The frame
    /// stays in this connection's buffer until the next call.
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
        Ok(Some(self.read_buffer.take(size)))
    }

    /// Waits until the next frame is complete, without taking it: [`receive`](Self::receive) then
    /// returns at once. `false` is the end of the stream after a whole frame.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn wait(&mut self) -> Result<bool, ConnectionError> {
        Ok(self.wait_for_size()?.is_some())
    }

    #[inline]
    fn wait_for_size(&mut self) -> Result<Option<usize>, ConnectionError> {
        if !self.preamble_expected
            && let Some(size) = whole_frame(self.read_buffer.bytes(), self.max_frame)
        {
            return Ok(Some(size));
        }
        self.read_until_whole()
    }

    #[inline(never)] // so that frames that have already arrived cost no more than a look
    fn read_until_whole(&mut self) -> Result<Option<usize>, ConnectionError> {
        if self.preamble_expected && !self.receive_preamble()? {
            return Ok(None);
        }
        loop {
            let came = self.read_buffer.bytes();
            match frame_size(came, self.max_frame)? {
                Some(size) if size <= came.len() => return Ok(Some(size)),
                size if !self.read_buffer.read_from(&mut self.stream)? => {
                    return self.read_buffer.at_end(size);
                }
                _ => {}
            }
        }
    }

    /// `false` is the end of the stream before the first byte.
    fn receive_preamble(&mut self) -> Result<bool, ConnectionError> {
        while !check_preamble(self.read_buffer.bytes())? {
            if !self.read_buffer.read_from(&mut self.stream)? {
                return self.read_buffer.at_end(Some(PREAMBLE.len())).map(|_| false);
            }
        }
        self.read_buffer.skip(PREAMBLE.len());
        self.preamble_expected = false;
        Ok(true)
    }
}

/// The size of the frame that `bytes` start with, if it is complete and nothing is wrong with it.
#[inline]
fn whole_frame(bytes: &[u8], max_frame: u32) -> Option<usize> {
    let size = frame_size(bytes, max_frame).ok().flatten()?;
    (size <= bytes.len()).then_some(size)
}

/// Whether `bytes` start with a frame that is complete, or already wrong.
fn is_whole_frame(bytes: &[u8], max_frame: u32) -> bool {
    match frame_size(bytes, max_frame) {
        Ok(Some(size)) => size <= bytes.len(),
        Ok(None) => false,
        Err(_) => true,
    }
}

impl ReadBuffer {
    /// What the end of the stream means here, inside something of `size` bytes or between frames.
    fn at_end(&self, size: Option<usize>) -> Result<Option<usize>, ConnectionError> {
        match self.bytes().len() {
            0 => Ok(None),
            came => Err(ConnectionError::EndInsideFrame { came, size }),
        }
    }
}

/// Why there is no next frame.
#[derive(Debug)]
pub enum ConnectionError {
    /// The stream failed, or its timeout expired.
    Io(io::Error),
    /// The peer's first bytes are not a preamble of this protocol.
    BadPreamble(BadPreamble),
    /// An invalid length, after which no more frames can be found.
    Frame(FrameError),
    /// The stream ended inside a frame, or inside the preamble.
    EndInsideFrame {
        /// How many of its bytes arrived.
        came: usize,
        /// How many bytes it should have, if its length arrived.
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
