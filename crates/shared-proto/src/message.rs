//! What a message is: something that can be put into a frame and read from one.

use std::borrow::Cow;
use std::fmt;

use crate::frame::{Frame, append_frame};

/// A message that can be put into a frame.
///
/// Kinds of requests are below 0x80, kinds of responses from 0x80 on. The kinds of the
/// [envelope](crate::envelope) are taken: [`CLOSE`](crate::envelope::CLOSE),
/// [`CLOSED`](crate::envelope::CLOSED) and [`ERROR`](crate::envelope::ERROR).
pub trait Message {
    /// The frame's kind.
    fn kind(&self) -> u8;

    /// The frame's body: borrowed if memory holds it in wire format, otherwise built.
    fn body(&self) -> Cow<'_, [u8]>;

    /// Appends the complete frame (length, kind and body) to `out`.
    ///
    /// # Panics
    ///
    /// If the body has 4 GiB - 1 bytes or more, which the length cannot express.
    #[inline(always)] // with the match that made the message: a fifth fewer instructions a request
    fn encode(&self, out: &mut Vec<u8>) {
        match self.body() {
            Cow::Borrowed(body) => append_frame(self.kind(), body, out),
            Cow::Owned(body) => append_frame(self.kind(), &body, out),
        }
    }
}

/// A message that can be read from a frame, borrowing its body from the frame's buffer.
///
/// ```
/// use shared_proto::{BadMessage, Decode, Frame};
///
/// enum Request<'a> {
///     Get(&'a str),
///     Count,
/// }
///
/// impl<'a> Decode<'a> for Request<'a> {
///     fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
///         match frame.kind {
///             0x10 => Ok(Request::Get(frame.text()?)),
///             0x11 => frame.empty().map(|()| Request::Count),
///             kind => Err(BadMessage::UnknownKind(kind)),
///         }
///     }
/// }
/// # let frame = Frame { kind: 0x10, body: b"color" };
/// # assert!(matches!(Request::decode(frame), Ok(Request::Get("color"))));
/// # assert!(matches!(Request::decode(Frame { kind: 0x11, body: b"" }), Ok(Request::Count)));
/// ```
pub trait Decode<'a>: Sized {
    /// Reads the message, without copying its body.
    ///
    /// # Errors
    ///
    /// If the kind is unknown, or the body is not valid for this kind.
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage>;
}

/// A complete frame that is not one of the expected messages. The frames after it can still be
/// read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadMessage {
    /// No message has this kind.
    UnknownKind(u8),
    /// The body is not valid for a message of this kind.
    BadBody {
        /// The frame's kind.
        kind: u8,
        /// The size of the body, in bytes.
        bytes: usize,
    },
    /// The body should be text, but is not UTF-8 from this byte on.
    NotText(usize),
}

impl fmt::Display for BadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadMessage::UnknownKind(kind) => write!(f, "no message has the kind {kind:02x}"),
            BadMessage::BadBody { kind, bytes } => {
                write!(
                    f,
                    "no message of kind {kind:02x} has a body of {bytes} bytes like this"
                )
            }
            BadMessage::NotText(at) => write!(f, "the text is not UTF-8 from byte {at} on"),
        }
    }
}

impl std::error::Error for BadMessage {}

impl<'a> Frame<'a> {
    /// Returns the body as text.
    ///
    /// # Errors
    ///
    /// If the body is not UTF-8.
    #[inline]
    pub fn text(self) -> Result<&'a str, BadMessage> {
        std::str::from_utf8(self.body).map_err(|error| BadMessage::NotText(error.valid_up_to()))
    }

    /// Checks that the body is empty, for a kind of message that has no body.
    ///
    /// # Errors
    ///
    /// If the body is not empty.
    #[inline]
    pub fn empty(self) -> Result<(), BadMessage> {
        if self.body.is_empty() {
            Ok(())
        } else {
            Err(self.bad_body())
        }
    }

    /// Returns the error for a body that is not valid for the frame's kind.
    #[must_use]
    pub fn bad_body(self) -> BadMessage {
        BadMessage::BadBody {
            kind: self.kind,
            bytes: self.body.len(),
        }
    }
}
