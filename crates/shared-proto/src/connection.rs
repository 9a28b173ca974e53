//! The blocking connection: one read and one write per round trip.

use crate::frame::{
    BadPreamble, DEFAULT_MAX_FRAME, Frame, FrameError, PREAMBLE, check_preamble, frame_size,
};
use crate::message::Message;
use crate::read_buffer::ReadBuffer;
use crate::write_buffer::WriteBuffer;
use std::fmt;
use std::io::{self, Read, Write};

/// Frames over a stream that blocks, in memory that follows the bytes that come.
///
/// A message is written by one call and, once it has arrived, read by one call, together with any
/// other frames that have arrived. An error of the stream loses no bytes: after a timeout,
/// [`receive`](Self::receive) goes on in the middle of the frame, and [`flush`](Self::flush) after
/// the last byte that was taken.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    max_frame: u32,
    preamble_expected: bool,
    read_buffer: ReadBuffer,
    write_buffer: WriteBuffer,
}

impl<S> Connection<S> {
    /// The client's end: the preamble goes out in front of the first message.
    pub fn client(stream: S) -> Self {
        let mut connection = Connection::new(stream, false);
        connection.write_buffer.queue_bytes(&PREAMBLE);
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

    /// From now on refuses frames that declare more than `max_frame` bytes.
    pub fn set_max_frame(&mut self, max_frame: u32) {
        self.max_frame = max_frame;
    }

    /// The underlying stream, to set its timeouts or to shut it down. Bytes that you read from it
    /// directly are missing here.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// The underlying stream, mutably.
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Whether bytes behind the last message have been read already.
    pub fn has_more(&self) -> bool {
        !self.read_buffer.bytes().is_empty()
    }

    /// Bytes of memory that it holds for messages: no more than twice the largest message that has
    /// arrived, or 16 KiB, plus the messages that are queued.
    pub fn memory(&self) -> usize {
        self.read_buffer.capacity() + self.write_buffer.capacity()
    }

    /// Puts a message behind those that wait for [`flush`](Self::flush).
    pub fn queue(&mut self, message: &impl Message) {
        self.write_buffer.queue(message);
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
        self.write_buffer.send(message, &mut self.stream)
    }

    /// Writes what is queued.
    ///
    /// # Errors
    ///
    /// Those of the stream. What it did not take stays queued.
    #[inline]
    pub fn flush(&mut self) -> io::Result<()> {
        self.write_buffer.write_to(&mut self.stream, &[])
    }
}

impl<S: Read + Write> Connection<S> {
    /// Waits for the next request and has it answered, without copying a body that the answer
    /// takes from the request. While more whole frames lie in the buffer, the answer only joins
    /// the queue, so that answers travel together. `false` is the end of the stream.
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
    /// More whole frames wait to be answered.
    more: bool,
}

impl<S: Write> Answer<'_, S> {
    /// Sends the answer, or queues it before the next.
    ///
    /// # Errors
    ///
    /// Those of the stream. What it did not take stays queued.
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
        Ok(Some(self.read_buffer.take(size)))
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
        if !self.preamble_expected
            && let Some(size) = whole_frame(self.read_buffer.bytes(), self.max_frame)
        {
            return Ok(Some(size));
        }
        self.read_until_whole()
    }

    #[inline(never)] // so that the frames that have come already cost no more than a look
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

/// The size of the frame that `bytes` start with, if it is whole and nothing is wrong with it.
#[inline]
fn whole_frame(bytes: &[u8], max_frame: u32) -> Option<usize> {
    let size = frame_size(bytes, max_frame).ok().flatten()?;
    (size <= bytes.len()).then_some(size)
}

/// Whether `bytes` start with a frame that is whole, or wrong already.
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
