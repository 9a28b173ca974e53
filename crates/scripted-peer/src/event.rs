//! What happened in a test: one event of its timeline, and the bytes that it shows.

use std::time::Duration;

use crate::bytes::is_text;

pub(crate) struct Event {
    /// When it was noted. An event that lasts for some time is noted at its end.
    pub at: Duration,
    pub began: Duration,
    pub peer: Option<usize>,
    pub what: What,
}

pub(crate) enum What {
    /// A note in words.
    Note(String),
    Sent(Bytes),
    Received(Bytes),
}

/// A run of bytes: the first of them, how many there were, and a remark.
pub(crate) struct Bytes {
    pub head: Vec<u8>,
    pub total: usize,
    pub remark: String,
    /// If they were sent or received in more than one piece, the first of those pieces.
    pub pieces: Vec<Piece>,
}

/// A piece of a run: the bytes that one write accepted, or that one read returned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    pub at: Duration,
    pub length: usize,
}

impl Bytes {
    const KEPT: usize = 128;

    pub fn new(bytes: &[u8], remark: impl Into<String>) -> Self {
        let head = bytes[..bytes.len().min(Self::KEPT)].to_vec();
        Self {
            head,
            total: bytes.len(),
            remark: remark.into(),
            pieces: Vec::new(),
        }
    }

    /// Adds the pieces in which the bytes were sent or received.
    pub fn in_pieces(mut self, pieces: &[Piece]) -> Self {
        self.pieces = pieces[..pieces.len().min(Self::KEPT)].to_vec();
        self
    }

    pub fn is_text(&self) -> bool {
        // The head may end in the middle of a character.
        let whole = match std::str::from_utf8(&self.head) {
            Err(error) if error.error_len().is_none() && self.total > self.head.len() => {
                &self.head[..error.valid_up_to()]
            }
            _ => &self.head,
        };
        is_text(whole)
    }

    pub fn append(&mut self, at: Duration, more: &[u8]) {
        if self.pieces.len() < Self::KEPT {
            let length = more.len();
            self.pieces.push(Piece { at, length });
        }
        let room = Self::KEPT.saturating_sub(self.head.len()).min(more.len());
        self.head.extend_from_slice(&more[..room]);
        self.total += more.len();
    }
}
