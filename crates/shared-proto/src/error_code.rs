//! Why a request was not served, as a number.

use std::fmt;

use crate::message::BadMessage;

/// The reason why a request was not served, or why the server closes a connection. "Closes" means
/// that the server closes the connection after an error with this code.
///
/// Codes from 1 to 255 belong to the protocol, whatever the service; codes from 256 up belong to
/// the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// 1: the first bytes are not a preamble, or a preamble of another version. Closes.
    BadPreamble,
    /// 2: a frame declared more than the server's limit. Closes.
    TooLarge,
    /// 3: a complete frame is not a request: the connection stays open. Or a frame has length 0, or
    /// the stream ended inside a frame or the preamble: closes.
    Malformed,
    /// 4: a text is not UTF-8. The connection stays open.
    NotText,
    /// 5: the server has as many clients as it allows. Closes.
    Busy,
    /// 6: the preamble or a frame did not arrive by its deadline. Closes.
    TooSlow,
    /// 7: the server is shutting down, and only part of a frame had arrived. Closes.
    Draining,
    /// 8: the server does not serve this user. Closes.
    NotAllowed,
    /// 9: the service failed while it was handling this request. Closes.
    Internal,
    /// From 256 up: the service defines the meaning. The connection stays open.
    Service(ServiceCode),
    /// 0, or from 10 to 255: another version of this protocol may know it. The connection stays
    /// open.
    Unknown(UnknownCode),
}

/// An error code whose meaning the service defines: 256 or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceCode(u16);

impl ServiceCode {
    /// The smallest service code; smaller codes belong to the protocol.
    pub const MIN: u16 = 256;

    /// Creates a service code. Use it for a constant: there, an invalid code does not compile.
    ///
    /// ```
    /// # use shared_proto::ServiceCode;
    /// const NO_SUCH_KEY: ServiceCode = ServiceCode::new(256);
    /// ```
    ///
    /// ```compile_fail
    /// # use shared_proto::ServiceCode;
    /// const DRAINING: ServiceCode = ServiceCode::new(7);
    /// ```
    ///
    /// # Panics
    ///
    /// If `code` is below 256.
    #[must_use]
    pub const fn new(code: u16) -> Self {
        assert!(
            code >= Self::MIN,
            "a service's own error codes begin at 256"
        );
        Self(code)
    }

    /// Returns the number on the wire.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// A code that belongs to the protocol, but that this version does not know. It can only be
/// received, not created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnknownCode(u8);

const OF_THE_PROTOCOL: [ErrorCode; 9] = [
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

impl ErrorCode {
    /// Returns whether the server always closes the connection after this code. After
    /// [`Malformed`](Self::Malformed) it sometimes does, and this returns `false`: a client finds
    /// out by the end of the stream.
    #[must_use]
    #[inline]
    pub fn closes(self) -> bool {
        !matches!(
            self,
            ErrorCode::Malformed
                | ErrorCode::NotText
                | ErrorCode::Service(_)
                | ErrorCode::Unknown(_)
        )
    }
}

impl From<u16> for ErrorCode {
    fn from(code: u16) -> Self {
        let known = OF_THE_PROTOCOL
            .into_iter()
            .find(|known| u16::from(*known) == code);
        known.unwrap_or_else(|| match u8::try_from(code) {
            Ok(code) => ErrorCode::Unknown(UnknownCode(code)),
            Err(_) => ErrorCode::Service(ServiceCode(code)),
        })
    }
}

impl From<ErrorCode> for u16 {
    fn from(code: ErrorCode) -> Self {
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

impl From<ServiceCode> for ErrorCode {
    fn from(code: ServiceCode) -> Self {
        ErrorCode::Service(code)
    }
}

impl From<BadMessage> for ErrorCode {
    fn from(bad: BadMessage) -> Self {
        match bad {
            BadMessage::NotText(_) => ErrorCode::NotText,
            BadMessage::UnknownKind(_) | BadMessage::BadBody { .. } => ErrorCode::Malformed,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_as_it_was_written_and_a_services_own_never_closes() {
        for code in 0..=u16::MAX {
            let read = ErrorCode::from(code);
            assert_eq!(u16::from(read), code);
            let own = matches!(read, ErrorCode::Service(_));
            assert_eq!(own, code >= ServiceCode::MIN, "{code}");
            assert!(!own || !read.closes(), "{code}");
        }
    }
}
