//! What a client asks.

use crate::frame::{Frame, Message};
use crate::response::ErrorCode;
use std::borrow::Cow;
use std::fmt;

/// One request, borrowing its body from the buffer that it was read into or will be written from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Kind 01: says some text; answered with `Accepted`.
    Say(&'a str),
    /// Kind 02: any bytes; answered with the same.
    Echo(&'a [u8]),
    /// Kind 03: asks how the server sees this client.
    WhoAmI,
    /// Kind 04: asks for the server's counters.
    Stats,
    /// Kind 05: answered with `Closed`, after which the server closes.
    Close,
}

/// A whole frame that is no request. The stream goes on behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRequest {
    /// No request has this kind.
    UnknownKind(u8),
    /// A request that has no body came with one.
    UnexpectedBody(u8),
    /// The body of `Say` is not UTF-8; its first so many bytes are.
    NotText(usize),
}

impl BadRequest {
    /// The code that tells a client of it.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            BadRequest::UnknownKind(_) | BadRequest::UnexpectedBody(_) => ErrorCode::Malformed,
            BadRequest::NotText(_) => ErrorCode::NotText,
        }
    }
}

impl fmt::Display for BadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadRequest::UnknownKind(kind) => write!(f, "no request has the kind {kind:02x}"),
            BadRequest::UnexpectedBody(kind) => {
                write!(f, "a request of kind {kind:02x} has no body")
            }
            BadRequest::NotText(at) => write!(f, "the text is not UTF-8 from byte {at} on"),
        }
    }
}

impl std::error::Error for BadRequest {}

const SAY: u8 = 0x01;
const ECHO: u8 = 0x02;
const WHO_AM_I: u8 = 0x03;
const STATS: u8 = 0x04;
const CLOSE: u8 = 0x05;

impl<'a> Request<'a> {
    /// Reads the request that a frame holds, without copying its body.
    ///
    /// # Errors
    ///
    /// If the kind is unknown, or the body is one that the kind cannot have.
    #[inline]
    pub fn decode(frame: Frame<'a>) -> Result<Self, BadRequest> {
        match (frame.kind, frame.body) {
            (ECHO, bytes) => Ok(Request::Echo(bytes)),
            (SAY, text) => std::str::from_utf8(text)
                .map(Request::Say)
                .map_err(|error| BadRequest::NotText(error.valid_up_to())),
            (WHO_AM_I, []) => Ok(Request::WhoAmI),
            (STATS, []) => Ok(Request::Stats),
            (CLOSE, []) => Ok(Request::Close),
            (WHO_AM_I | STATS | CLOSE, _) => Err(BadRequest::UnexpectedBody(frame.kind)),
            (kind, _) => Err(BadRequest::UnknownKind(kind)),
        }
    }
}

impl Message for Request<'_> {
    #[inline]
    fn kind(&self) -> u8 {
        match self {
            Request::Say(_) => SAY,
            Request::Echo(_) => ECHO,
            Request::WhoAmI => WHO_AM_I,
            Request::Stats => STATS,
            Request::Close => CLOSE,
        }
    }

    #[inline]
    fn body(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(match self {
            Request::Say(text) => text.as_bytes(),
            Request::Echo(bytes) => bytes,
            Request::WhoAmI | Request::Stats | Request::Close => &[],
        })
    }
}
