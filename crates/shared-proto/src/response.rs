//! What a server answers.

use crate::frame::{Frame, Message};
use std::borrow::Cow;
use std::fmt;

/// One response. A server's may own its body or borrow it from the request; a client's borrows
/// from the buffer that it was read into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response<'a> {
    /// Kind 81: to `Say`.
    Accepted,
    /// Kind 82: to `Echo`, the same bytes.
    Echo(Cow<'a, [u8]>),
    /// Kind 83: to `WhoAmI`, how the server sees the client, such as `tcp 127.0.0.1:50312` or
    /// `unix pid=71 uid=1000 gid=1000`.
    Peer(Cow<'a, str>),
    /// Kind 84: to `Stats`.
    Stats(Stats),
    /// Kind 85: to `Close`; then the server closes.
    Closed,
    /// Kind FF: why there is no other answer.
    Error {
        /// What happened, for a program.
        code: ErrorCode,
        /// What happened, for a person.
        text: Cow<'a, str>,
    },
}

/// A server's counters, as `Stats` asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Clients being served now, the asker among them.
    pub connections_now: u32,
    /// Clients ever served; those that were turned away are not counted.
    pub connections_ever: u64,
    /// Whole frames decoded, the asker's among them.
    pub requests: u64,
    /// Milliseconds since the server started.
    pub uptime_ms: u64,
}

/// Why a request was not served, or a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// 1: the first bytes are not a preamble, or one of another version. Closes.
    BadPreamble,
    /// 2: a frame declared more than the server's limit. Closes.
    TooLarge,
    /// 3: no request, or half a one at the end of the stream. Goes on after a whole frame.
    Malformed,
    /// 4: the text of `Say` is not UTF-8. Goes on.
    NotText,
    /// 5: the server holds as many clients as it may. Closes.
    Busy,
    /// 6: the preamble or a frame did not arrive by its deadline. Closes.
    TooSlow,
    /// 7: the server is shutting down, and half a frame had come. Closes.
    Draining,
    /// 8: this user is not served. Closes.
    NotAllowed,
    /// 9: the service failed on this request. Closes.
    Internal,
    /// 256 and above: a service's own. Goes on.
    Service(ServiceCode),
    /// 0, or from 10 to 255: another version of this protocol may know it. Goes on.
    Unknown(UnknownCode),
}

/// A service's own code. Those below 256 are the protocol's, so there is no value for them: whatever
/// a service puts here is never taken for one of the server's own errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServiceCode(u16);

impl ServiceCode {
    /// The smallest one.
    pub const FIRST: ServiceCode = ServiceCode(256);

    /// `None` if it is one of the protocol's, below 256.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        if code < Self::FIRST.0 {
            return None;
        }
        Some(ServiceCode(code))
    }

    /// As it travels.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// One of the protocol's codes that this version does not know. It only comes from the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnknownCode(u8);

const CODES: [ErrorCode; 9] = [
    ErrorCode::BadPreamble,
    ErrorCode::TooLarge,
    ErrorCode::Malformed,
    ErrorCode::NotText,
    ErrorCode::Busy,
    ErrorCode::TooSlow,
    ErrorCode::Draining,
    ErrorCode::NotAllowed,
    ErrorCode::Internal,
];

impl From<u16> for ErrorCode {
    fn from(code: u16) -> Self {
        let known = CODES.into_iter().find(|known| u16::from(*known) == code);
        known.unwrap_or_else(|| match u8::try_from(code) {
            Ok(code) => ErrorCode::Unknown(UnknownCode(code)),
            Err(_) => ErrorCode::Service(ServiceCode(code)),
        })
    }
}

impl From<ErrorCode> for u16 {
    fn from(code: ErrorCode) -> u16 {
        match code {
            ErrorCode::BadPreamble => 1,
            ErrorCode::TooLarge => 2,
            ErrorCode::Malformed => 3,
            ErrorCode::NotText => 4,
            ErrorCode::Busy => 5,
            ErrorCode::TooSlow => 6,
            ErrorCode::Draining => 7,
            ErrorCode::NotAllowed => 8,
            ErrorCode::Internal => 9,
            ErrorCode::Service(code) => code.get(),
            ErrorCode::Unknown(code) => code.0.into(),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorCode::Service(_) | ErrorCode::Unknown(_) => {
                write!(f, "error {}", u16::from(*self))
            }
            known => write!(f, "{known:?}"),
        }
    }
}

/// A whole frame that is no response: the peer does not speak this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadResponse {
    /// The frame's kind.
    pub kind: u8,
    /// The bytes of its body.
    pub body_bytes: usize,
}

impl fmt::Display for BadResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no response has the kind {:02x} and {} bytes of body",
            self.kind, self.body_bytes
        )
    }
}

impl std::error::Error for BadResponse {}

const ACCEPTED: u8 = 0x81;
const ECHO: u8 = 0x82;
const PEER: u8 = 0x83;
const STATS: u8 = 0x84;
const CLOSED: u8 = 0x85;
const ERROR: u8 = 0xFF;

impl<'a> Response<'a> {
    /// Reads the response that a frame holds, without copying its body.
    ///
    /// # Errors
    ///
    /// If the kind is unknown, or the body is one that the kind cannot have. An error's text that
    /// is not UTF-8 is read with replacement characters, so that its code is not lost.
    #[inline]
    pub fn decode(frame: Frame<'a>) -> Result<Self, BadResponse> {
        let bad = BadResponse {
            kind: frame.kind,
            body_bytes: frame.body.len(),
        };
        match (frame.kind, frame.body) {
            (ECHO, bytes) => Ok(Response::Echo(Cow::Borrowed(bytes))),
            (ACCEPTED, []) => Ok(Response::Accepted),
            (PEER, text) => match std::str::from_utf8(text) {
                Ok(text) => Ok(Response::Peer(Cow::Borrowed(text))),
                Err(_) => Err(bad),
            },
            (STATS, body) => Stats::decode(body).map(Response::Stats).ok_or(bad),
            (CLOSED, []) => Ok(Response::Closed),
            (ERROR, [high, low, text @ ..]) => Ok(Response::Error {
                code: u16::from_be_bytes([*high, *low]).into(),
                text: String::from_utf8_lossy(text),
            }),
            _ => Err(bad),
        }
    }

    /// Whether the server closes after this response.
    #[must_use]
    #[inline]
    pub fn closes(&self) -> bool {
        match self {
            Response::Closed => true,
            Response::Error { code, .. } => {
                // Malformed after length 0 or an end inside a frame closes too, but the stream
                // says so itself.
                !matches!(
                    code,
                    ErrorCode::Malformed
                        | ErrorCode::NotText
                        | ErrorCode::Service(_)
                        | ErrorCode::Unknown(_)
                )
            }
            _ => false,
        }
    }
}

impl Message for Response<'_> {
    #[inline(always)]
    fn kind(&self) -> u8 {
        match self {
            Response::Accepted => ACCEPTED,
            Response::Echo(_) => ECHO,
            Response::Peer(_) => PEER,
            Response::Stats(_) => STATS,
            Response::Closed => CLOSED,
            Response::Error { .. } => ERROR,
        }
    }

    #[inline(always)]
    fn body(&self) -> Cow<'_, [u8]> {
        match self {
            Response::Echo(bytes) => Cow::Borrowed(bytes),
            Response::Accepted | Response::Closed => Cow::Borrowed(&[]),
            Response::Peer(text) => Cow::Borrowed(text.as_bytes()),
            Response::Stats(stats) => Cow::Owned(stats.encode()),
            Response::Error { code, text } => {
                Cow::Owned([&u16::from(*code).to_be_bytes(), text.as_bytes()].concat())
            }
        }
    }
}

impl Stats {
    fn encode(&self) -> Vec<u8> {
        let mut body = self.connections_now.to_be_bytes().to_vec();
        for counter in [self.connections_ever, self.requests, self.uptime_ms] {
            body.extend_from_slice(&counter.to_be_bytes());
        }
        body
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let (connections_now, counters) = body.split_first_chunk()?;
        let (counters, []) = counters.as_chunks() else {
            return None;
        };
        let &[connections_ever, requests, uptime_ms] = counters else {
            return None;
        };
        Some(Stats {
            connections_now: u32::from_be_bytes(*connections_now),
            connections_ever: u64::from_be_bytes(connections_ever),
            requests: u64::from_be_bytes(requests),
            uptime_ms: u64::from_be_bytes(uptime_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_no_code_that_is_the_protocols() {
        for code in 0..=u16::MAX {
            let own = ServiceCode::new(code);
            assert_eq!(own.is_some(), code >= 256, "{code}");
            // What a client reads of it is what the service meant.
            if let Some(own) = own {
                let code = ErrorCode::Service(own);
                assert_eq!(ErrorCode::from(u16::from(code)), code);
                assert!(
                    !Response::Error {
                        code,
                        text: "".into()
                    }
                    .closes()
                );
            }
        }
    }

    #[test]
    fn every_code_reads_as_it_was_written() {
        for code in 0..=u16::MAX {
            assert_eq!(u16::from(ErrorCode::from(code)), code);
        }
    }
}
