//! The blocking connection: one read and one write per round trip.

use crate::frame::{
    BadPreamble, DEFAULT_MAX_FRAME, Frame, FrameError, PREAMBLE, check_preamble, frame_size,
};
use crate::message::Message;
use crate::read_buffer::ReadBuffer;
use crate::write_buffer::WriteBuffer;
use std::fmt;
use std::io::{self, Read, Write};

/// Sends and receives frames over a blocking stream `S`.
///
/// A message is written with one call, if the stream accepts all of it, and one read takes in
/// several frames, if they have arrived. Memory grows with the bytes that have arrived, not with
/// the length that a frame declares. A stream error loses no bytes: after a timeout,
/// [`receive`](Self::receive) resumes in the middle of the frame, and [`flush`](Self::flush)
/// resumes after the last byte written.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    max_frame: u32,
    preamble_expected: bool,
    read_buffer: ReadBuffer,
    write_buffer: WriteBuffer,
}

impl<S> Connection<S> {
    /// Creates the client's end, which sends the [`PREAMBLE`] before its first message.
    pub fn client(stream: S) -> Self {
        let mut connection = Connection::new(stream, false);
        connection.write_buffer.queue_bytes(&PREAMBLE);
        connection
    }

    /// Creates the server's end, which expects the [`PREAMBLE`] before the first message.
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

    /// Sets the largest `length` that a received frame may declare, in bytes, instead of
    /// [`DEFAULT_MAX_FRAME`]. A larger frame is refused with [`FrameError::TooLarge`].
    #[must_use]
    pub fn with_max_frame(mut self, max_frame: u32) -> Self {
        self.set_max_frame(max_frame);
        self
    }

    /// Changes the limit that [`with_max_frame`](Self::with_max_frame) sets, for the frames that
    /// are received from now on.
    pub fn set_max_frame(&mut self, max_frame: u32) {
        self.max_frame = max_frame;
    }

    /// Returns the underlying stream, for example to set its timeouts or to shut it down. Don't
    /// read from it: this connection would never see those bytes.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Returns the underlying stream, mutably. Don't read from it, as with
    /// [`stream`](Self::stream).
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Returns whether the buffer already holds bytes that follow the last received message: at
    /// least part of another message.
    pub fn has_more(&self) -> bool {
        !self.read_buffer.bytes().is_empty()
    }

    /// Returns how many bytes of memory this connection holds for messages: for reading, at most 16
    /// KiB or twice the size of the largest message received, whichever is more; for writing, room
    /// for the messages that were queued.
    pub fn memory(&self) -> usize {
        self.read_buffer.capacity() + self.write_buffer.capacity()
    }

    /// Queues a message, which the next [`send`](Self::send) or [`flush`](Self::flush) writes.
    pub fn queue(&mut self, message: &impl Message) {
        self.write_buffer.queue(message);
    }
}

impl<S: Write> Connection<S> {
    /// Writes everything that is queued, then `message`: with one call, if the stream accepts all
    /// of it.
    ///
    /// # Errors
    ///
    /// The errors of the stream. Bytes that were not written stay queued, and
    /// [`flush`](Self::flush) resumes after the last byte written.
    #[inline]
    pub fn send(&mut self, message: &impl Message) -> io::Result<()> {
        self.write_buffer.send(message, &mut self.stream)
    }

    /// Writes everything that is queued.
    ///
    /// # Errors
    ///
    /// The errors of the stream. Bytes that were not written stay queued.
    #[inline]
    pub fn flush(&mut self) -> io::Result<()> {
        self.write_buffer.write_to(&mut self.stream, &[])
    }
}

impl<S: Read + Write> Connection<S> {
    /// Waits for the next request, and passes it to `respond` along with an [`Answer`] that sends
    /// the reply. The reply may borrow its body from the request. While more complete requests are
    /// already in the buffer, a reply is only queued, so that several replies are written together.
    /// Returns `false` at the end of the stream.
    ///
    /// # Errors
    ///
    /// Those of [`receive`](Self::receive), and the error that `respond` returns, which is usually
    /// that of [`Answer::send`].
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

/// Sends the reply to one request: see [`Connection::answer`].
#[derive(Debug)]
pub struct Answer<'a, S> {
    write_buffer: &'a mut WriteBuffer,
    stream: &'a mut S,
    /// More complete requests are in the buffer, so this reply is only queued.
    more: bool,
}

impl<S: Write> Answer<'_, S> {
    /// Writes the reply, after everything that is queued. While more complete requests are in the
    /// buffer, only queues it, so that the replies are written together.
    ///
    /// # Errors
    ///
    /// The errors of the stream. Bytes that were not written stay queued.
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
    /// Waits for the next frame, which stays in this connection's buffer until the next call.
    /// Returns `None` if the stream ended between two frames, or before the first byte.
    ///
    /// # Errors
    ///
    /// See [`ConnectionError`]. After a timeout, call again: no bytes are lost.
    #[inline]
    pub fn receive(&mut self) -> Result<Option<Frame<'_>>, ConnectionError> {
        let Some(size) = self.wait_for_size()? else {
            return Ok(None);
        };
        Ok(Some(self.read_buffer.take(size)))
    }

    /// Waits until the next frame is complete, without taking it: [`receive`](Self::receive) then
    /// returns it immediately. Returns `false` where [`receive`](Self::receive) would return
    /// `None`.
    ///
    /// # Errors
    ///
    /// Those of [`receive`](Self::receive).
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
    /// What the end of the stream means: an error inside a frame or preamble of `size` bytes, and
    /// nothing wrong between frames.
    fn at_end(&self, size: Option<usize>) -> Result<Option<usize>, ConnectionError> {
        match self.bytes().len() {
            0 => Ok(None),
            came => Err(ConnectionError::EndInsideFrame { came, size }),
        }
    }
}

/// The reason why the next frame could not be received.
#[derive(Debug)]
pub enum ConnectionError {
    /// The stream failed, or its timeout expired.
    Io(io::Error),
    /// The peer's first bytes are not a preamble of this protocol.
    BadPreamble(BadPreamble),
    /// A frame has an invalid length. Where the next frame begins is then unknown.
    Frame(FrameError),
    /// The stream ended inside a frame, or inside the preamble.
    EndInsideFrame {
        /// How many bytes of the frame or preamble had arrived.
        came: usize,
        /// How many bytes the frame or preamble should have; `None` if the stream ended inside the
        /// frame's length field.
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
