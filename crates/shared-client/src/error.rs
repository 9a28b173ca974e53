//! Why a call failed, and on which server.

use std::fmt;
use std::io;
use std::time::Duration;

use shared_proto::{ConnectionError, ErrorCode, ErrorReply, FrameError, escaped};

use crate::stream::{peer_is_gone, timed_out};

/// A server of another protocol sends its greeting, or its error, where the length of the first
/// reply should be. Text begins with a byte of 0x20 or more, a TLS alert with 0x15; a length with
/// such a first byte is at least 336 MiB. Below this one (256 MiB), it is taken for a length.
const FOREIGN: u32 = 0x1000_0000;

/// A failed call: the server's address, and the reason.
///
/// As text ([`Display`](fmt::Display)) it is one line that may be printed: what the server sent is
/// [`escaped`] in it.
#[derive(Debug)]
pub struct CallError {
    address: String,
    failure: Failure,
}

/// The reason why a call failed. After any of these except [`Error`](Self::Error) and
/// [`TooLarge`](Self::TooLarge), the connection can't be used anymore.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The server answered with an error, and the connection stays open.
    Error {
        /// What happened, for a program; the service's own codes are
        /// [`ErrorCode::Service`].
        code: ErrorCode,
        /// What happened, for a person, as the server sent it: to print it by itself, use
        /// [`escaped`].
        text: String,
    },
    /// The server did not send the complete reply, or did not read the request, within this time.
    Timeout(Duration),
    /// The server answered with an error after which it closes the connection.
    Refused {
        /// What happened, for a program.
        code: ErrorCode,
        /// What happened, for a person, as the server sent it: to print it by itself, use
        /// [`escaped`].
        text: String,
    },
    /// The connection had already ended before this call, and nothing of it was sent: on a new
    /// connection, it may be made again.
    AlreadyEnded,
    /// The stream ended, or was reset, before the complete reply had arrived. The server may have
    /// handled the request.
    Ended,
    /// A reply is longer than this client accepts: see
    /// [`set_max_frame`](crate::Client::set_max_frame).
    ReplyTooLarge {
        /// The length that the reply declares, in bytes.
        length: u32,
        /// The largest length that is accepted, in bytes.
        max_frame: u32,
    },
    /// The server sent something that is not this protocol; the text says how it differs.
    NotThisProtocol(String),
    /// A request's body has this many bytes, more than any frame can hold. Nothing was sent.
    TooLarge(usize),
    /// An earlier call on this connection failed, so nothing was sent.
    GivenUp,
    /// A system call failed.
    Io(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Timeout(timeout) => write!(f, "no complete reply within {timeout:?}"),
            Failure::Error { code, text } => write!(f, "answered {code}: {}", escaped(text)),
            Failure::Refused { code, text } => write!(f, "refused: {code}: {}", escaped(text)),
            Failure::AlreadyEnded => {
                write!(f, "the connection had already ended, and nothing was sent")
            }
            Failure::ReplyTooLarge { length, max_frame } => {
                write!(f, "a reply of {length} bytes, the limit is {max_frame}")
            }
            Failure::Ended => write!(f, "the connection ended before the reply was complete"),
            Failure::NotThisProtocol(how) => write!(f, "not this protocol: {how}"),
            Failure::TooLarge(bytes) => write!(f, "{bytes} bytes do not fit into a frame"),
            Failure::GivenUp => write!(f, "the connection was abandoned after an earlier failure"),
            // An error of TLS may name what is in the server's certificate.
            Failure::Io(error) => f.write_str(&escaped(&error.to_string())),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Failure::Io(error) => error.source(),
            _ => None,
        }
    }
}

impl CallError {
    /// Returns the server's address, as it was given to the client.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the reason why the call failed.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.failure
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.address, self.failure)
    }
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.failure.source()
    }
}

impl Failure {
    pub(crate) fn at(self, address: &str) -> CallError {
        CallError {
            address: address.to_owned(),
            failure: self,
        }
    }

    /// What the server reported.
    pub(crate) fn error(error: ErrorReply<'_>) -> Self {
        let (code, text) = (error.code, error.text.into_owned());
        if code.closes() {
            Failure::Refused { code, text }
        } else {
            Failure::Error { code, text }
        }
    }

    pub(crate) fn from_io(error: io::Error, timeout: Duration) -> Self {
        if timed_out(&error) {
            Failure::Timeout(timeout)
        } else if peer_is_gone(&error) {
            Failure::Ended
        } else {
            Failure::Io(error)
        }
    }

    /// `answered` says whether the server has already sent a whole reply on this connection.
    pub(crate) fn from_connection(
        error: ConnectionError,
        timeout: Duration,
        answered: bool,
    ) -> Self {
        match error {
            ConnectionError::Io(error) => Failure::from_io(error, timeout),
            ConnectionError::EndInsideFrame { .. } => Failure::Ended,
            ConnectionError::Frame(FrameError::TooLarge { length, max_frame }) => {
                if answered || length < FOREIGN {
                    return Failure::ReplyTooLarge { length, max_frame };
                }
                Failure::NotThisProtocol(format!(
                    "the answer began with \"{}\", which as a length is {length} bytes (the limit \
                     is {max_frame})",
                    length.to_be_bytes().escape_ascii()
                ))
            }
            other => Failure::NotThisProtocol(other.to_string()),
        }
    }
}
