//! What belongs to the protocol itself, whatever the service: how a connection is closed, and
//! how an error is reported.
//!
//! A server's engine answers [`Call::Close`] and creates every [`ErrorReply`] whose code is below
//! 256. All other kinds of message belong to the service.

use std::borrow::Cow;

use crate::error_code::ErrorCode;
use crate::frame::Frame;
use crate::message::{BadMessage, Decode, Message};

/// The kind of [`Call::Close`].
pub const CLOSE: u8 = 0x05;
/// The kind of [`Reply::Closed`].
pub const CLOSED: u8 = 0x85;
/// The kind of [`Reply::Error`].
pub const ERROR: u8 = 0xFF;

/// A message from a client: a request `R` of the service, or Close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call<R> {
    /// For the service.
    Request(R),
    /// Kind 05: asks the server to close the connection, which it does after [`Reply::Closed`].
    Close,
}

/// A message from a server: a response `R` of the service, or one of the protocol's own two, Closed
/// and Error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply<'a, R> {
    /// From the service.
    Response(R),
    /// Kind 85: the reply to Close, after which the server closes the connection.
    Closed,
    /// Kind FF: an error, sent instead of a response.
    Error(ErrorReply<'a>),
}

/// An error that a server sends: instead of a response, or before it closes the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorReply<'a> {
    /// What happened, for a program.
    pub code: ErrorCode,
    /// What happened, for a person. If it was received from a peer, [escape](crate::escaped) it
    /// before you print it.
    pub text: Cow<'a, str>,
}

impl<R> Reply<'_, R> {
    /// Returns whether the server closes the connection after this error.
    #[must_use]
    #[inline]
    pub fn closes(&self) -> bool {
        match self {
            Reply::Response(_) => false,
            Reply::Closed => true,
            Reply::Error(error) => error.code.closes(),
        }
    }
}

impl ErrorReply<'_> {
    /// Returns the same error, with its own copy of the text.
    #[must_use]
    pub fn into_owned(self) -> ErrorReply<'static> {
        ErrorReply {
            code: self.code,
            text: self.text.into_owned().into(),
        }
    }
}

impl<R> From<BadMessage> for Reply<'_, R> {
    fn from(bad: BadMessage) -> Self {
        Reply::Error(bad.into())
    }
}

impl From<BadMessage> for ErrorReply<'_> {
    fn from(bad: BadMessage) -> Self {
        ErrorReply {
            code: bad.into(),
            text: bad.to_string().into(),
        }
    }
}

impl<'a, R: Decode<'a>> Decode<'a> for Call<R> {
    #[inline]
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
        if frame.kind == CLOSE {
            return frame.empty().map(|()| Call::Close);
        }
        R::decode(frame).map(Call::Request)
    }
}

impl<R: Message> Message for Call<R> {
    #[inline]
    fn kind(&self) -> u8 {
        match self {
            Call::Request(request) => request.kind(),
            Call::Close => CLOSE,
        }
    }

    #[inline]
    fn body(&self) -> Cow<'_, [u8]> {
        match self {
            Call::Request(request) => request.body(),
            Call::Close => Cow::Borrowed(&[]),
        }
    }
}

impl<'a, R: Decode<'a>> Decode<'a> for Reply<'a, R> {
    /// If the error's text is not UTF-8, the invalid bytes become replacement characters, so that
    /// the error's code is not lost.
    #[inline]
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
        match (frame.kind, frame.body) {
            (CLOSED, _) => frame.empty().map(|()| Reply::Closed),
            (ERROR, [high, low, text @ ..]) => Ok(Reply::Error(ErrorReply {
                code: u16::from_be_bytes([*high, *low]).into(),
                text: String::from_utf8_lossy(text),
            })),
            (ERROR, _) => Err(frame.bad_body()),
            _ => R::decode(frame).map(Reply::Response),
        }
    }
}

impl<R: Message> Message for Reply<'_, R> {
    #[inline(always)]
    fn kind(&self) -> u8 {
        match self {
            Reply::Response(response) => response.kind(),
            Reply::Closed => CLOSED,
            Reply::Error(error) => error.kind(),
        }
    }

    #[inline(always)]
    fn body(&self) -> Cow<'_, [u8]> {
        match self {
            Reply::Response(response) => response.body(),
            Reply::Closed => Cow::Borrowed(&[]),
            Reply::Error(error) => error.body(),
        }
    }
}

impl Message for ErrorReply<'_> {
    fn kind(&self) -> u8 {
        ERROR
    }

    fn body(&self) -> Cow<'_, [u8]> {
        let code = u16::from(self.code).to_be_bytes();
        Cow::Owned([&code, self.text.as_bytes()].concat())
    }
}
