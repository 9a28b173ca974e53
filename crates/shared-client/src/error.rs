//! Why a call got no answer.

use shared_proto::{ConnectionError, ErrorCode, FrameError};
use std::fmt;
use std::io;
use std::time::Duration;

use crate::stream::{peer_is_gone, timed_out};

/// Why a call got no answer. After any of these but [`TooLarge`](Self::TooLarge) the connection is
/// of no more use.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError {
    /// The whole reply did not come, or the request was not taken, within this time.
    Timeout(Duration),
    /// The server answered with an error after which it closes.
    Refused {
        /// What happened, for a program.
        code: ErrorCode,
        /// What happened, for a person, as the server sent it: escape it before it is printed.
        text: String,
    },
    /// The stream ended, or was reset, before the whole reply had come.
    Ended,
    /// What came is not of this protocol; the text says how it differs.
    NotThisProtocol(String),
    /// A body of so many bytes, more than any frame can hold. Nothing was sent.
    TooLarge(usize),
    /// An earlier call on this connection failed.
    GivenUp,
    /// The system failed.
    Io(io::Error),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Timeout(timeout) => write!(f, "no whole answer within {timeout:?}"),
            CallError::Refused { code, text } => write!(f, "refused: {code}: {text}"),
            CallError::Ended => write!(f, "the connection ended before the whole answer had come"),
            CallError::NotThisProtocol(how) => write!(f, "not this protocol: {how}"),
            CallError::TooLarge(bytes) => write!(f, "{bytes} bytes do not fit into a frame"),
            CallError::GivenUp => write!(f, "the connection was given up after an earlier failure"),
            CallError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CallError::Io(error) => error.source(),
            _ => None,
        }
    }
}

impl CallError {
    pub(crate) fn from_io(error: io::Error, timeout: Duration) -> Self {
        if timed_out(&error) {
            CallError::Timeout(timeout)
        } else if peer_is_gone(&error) {
            CallError::Ended
        } else {
            CallError::Io(error)
        }
    }

    pub(crate) fn from_connection(error: ConnectionError, timeout: Duration) -> Self {
        match error {
            ConnectionError::Io(error) => CallError::from_io(error, timeout),
            ConnectionError::EndInsideFrame { .. } => CallError::Ended,
            ConnectionError::Frame(FrameError::TooLarge { length, .. }) => {
                // A server of another protocol sends its greeting where the length should be.
                CallError::NotThisProtocol(format!(
                    "the answer began with \"{}\"",
                    length.to_be_bytes().escape_ascii()
                ))
            }
            other => CallError::NotThisProtocol(other.to_string()),
        }
    }
}
