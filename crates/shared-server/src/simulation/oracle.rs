//! What the protocol says of the bytes that a server has read, whatever the server does.

use shared_proto::{ErrorCode, PREAMBLE};

use super::MAX_FRAME;

/// The kind and the first bytes of each reply that is due; an Error's code without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    Echoed(Vec<u8>),
    Closed,
    Error(u16),
}

/// What the protocol says of the bytes that a server has read.
#[derive(Debug, Default)]
pub(super) struct Expected {
    pub(super) replies: Vec<Due>,
    /// Which of them are answered later.
    pub(super) laters: Vec<usize>,
    /// Nothing behind the last reply is answered.
    pub(super) over: bool,
    /// Where the incomplete preamble or frame begins, if one has begun.
    pub(super) partial: Option<usize>,
}

impl Expected {
    pub(super) fn of(read: &[u8]) -> Self {
        let mut expected = Self::default();
        let start = read.len().min(PREAMBLE.len());
        if read[..start] != PREAMBLE[..start] {
            return expected.close(ErrorCode::BadPreamble);
        }
        if start < PREAMBLE.len() {
            expected.partial = (start > 0).then_some(0);
            return expected;
        }
        let mut at = start;
        while !expected.over && at < read.len() {
            let Some(length) = read[at..]
                .first_chunk()
                .map(|bytes| u32::from_be_bytes(*bytes))
            else {
                expected.partial = Some(at);
                break;
            };
            if length == 0 || length > MAX_FRAME {
                let code = if length == 0 {
                    ErrorCode::Malformed
                } else {
                    ErrorCode::TooLarge
                };
                return expected.close(code);
            }
            let Some(frame) = read[at + 4..].get(..length as usize) else {
                expected.partial = Some(at);
                break;
            };
            let reply = match (frame[0], &frame[1..]) {
                (0x10 | 0x11, body) => Due::Echoed(body.to_vec()),
                (0x12, _) => Due::Error(999),
                (0x05, []) => Due::Closed,
                _ => Due::Error(ErrorCode::Malformed.into()),
            };
            expected.over = reply == Due::Closed;
            if frame[0] == 0x11 {
                expected.laters.push(expected.replies.len());
            }
            expected.replies.push(reply);
            at += 4 + length as usize;
        }
        expected
    }

    pub(super) fn close(mut self, code: ErrorCode) -> Self {
        self.replies.push(Due::Error(code.into()));
        self.over = true;
        self.partial = None;
        self
    }
}

/// The whole frames in what a server wrote, and whether there is part of one behind them.
pub(super) fn replies(mut written: &[u8]) -> (Vec<Due>, bool) {
    let mut replies = Vec::new();
    while let Ok(Some((frame, size))) = shared_proto::split_frame(written, u32::MAX) {
        replies.push(match (frame.kind, frame.body) {
            (0x90, body) => Due::Echoed(body.to_vec()),
            (0x85, []) => Due::Closed,
            (0xFF, [high, low, ..]) => Due::Error(u16::from_be_bytes([*high, *low])),
            (kind, _) => panic!("a reply of kind {kind:02x}"),
        });
        written = &written[size..];
    }
    (replies, !written.is_empty())
}
