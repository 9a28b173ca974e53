//! What a program wrote to one of its two streams, and when it arrived.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use rustix::io::Errno;

use crate::bytes::count;
use crate::wait::readable;

/// How many bytes of a stream are kept. Bytes beyond that are read, so that the program isn't
/// blocked, but only counted.
const KEPT: usize = 16 << 20;
/// For how many reads the time is kept. Bytes that arrived later get the time of the last one.
const READS: usize = 4096;
/// How many characters of a line are shown.
const WIDTH: usize = 160;

/// How many bytes one read takes at most.
const PIECE: usize = 64 << 10;
/// How many reads are made in a row, so that a program that never stops printing holds nobody up.
const PIECES: usize = 32;

#[derive(Default)]
pub(crate) struct Stream {
    /// `None` if the stream was sent elsewhere, or has ended.
    pipe: Option<Arc<OwnedFd>>,
    bytes: Vec<u8>,
    dropped: usize,
    /// The total number of bytes after each read, and the time of the read.
    reads: Vec<(usize, Instant)>,
}

/// A line that a program printed.
#[derive(Debug, Clone)]
pub(crate) struct Printed {
    /// When the last byte of the line arrived.
    pub at: Option<Instant>,
    pub text: String,
}

impl Stream {
    pub fn begin(&mut self, pipe: Arc<OwnedFd>) {
        self.pipe = Some(pipe);
    }

    /// Whether the stream may still deliver output.
    pub fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Reads what the program has printed by now, and does not wait for more.
    pub fn read(&mut self) {
        let Some(pipe) = self.pipe.clone() else {
            return;
        };
        let mut buffer = Vec::new();
        for _ in 0..PIECES {
            if !readable(&pipe, Instant::now()) {
                return;
            }
            buffer.resize(PIECE, 0);
            match rustix::io::read(&pipe, &mut buffer) {
                Ok(length @ 1..) => self.keep(&buffer[..length]),
                Err(Errno::INTR) => {}
                Ok(0) | Err(_) => {
                    self.pipe = None;
                    return;
                }
            }
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn keep(&mut self, bytes: &[u8]) {
        let kept = KEPT.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend_from_slice(&bytes[..kept]);
        self.dropped += bytes.len() - kept;
        if self.reads.len() < READS {
            self.reads.push((self.bytes.len(), Instant::now()));
        }
    }

    /// Returns the stream's lines, without empty ones and without Rust's note about backtraces.
    pub fn lines(&self) -> Vec<Printed> {
        let mut lines = Vec::new();
        let mut end = 0;
        for line in self.bytes.split_inclusive(|byte| *byte == b'\n') {
            end += line.len();
            let text = String::from_utf8_lossy(line);
            let text = text.trim_end_matches('\n').trim_end_matches('\r');
            if !text.is_empty() && !text.starts_with("note: run with `RUST_BACK") {
                lines.push(Printed {
                    at: self.came(end),
                    text: short(text),
                });
            }
        }
        if self.dropped > 0 {
            lines.push(Printed {
                at: self.came(end),
                text: format!("… and {} more", count(self.dropped)),
            });
        }
        lines
    }

    /// Returns when this many bytes of the stream had arrived.
    fn came(&self, bytes: usize) -> Option<Instant> {
        let read = self.reads.partition_point(|(until, _)| *until < bytes);
        self.reads
            .get(read)
            .or(self.reads.last())
            .map(|(_, at)| *at)
    }
}

fn short(line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_moment_of_the_read_that_brought_its_end() {
        let mut stream = Stream::default();
        stream.keep(b"one\ntw");
        stream.keep(b"o\n\nthree");
        let lines = stream.lines();
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["one", "two", "three"]);
        let [first, second] = [stream.reads[0].1, stream.reads[1].1];
        let moments: Vec<_> = lines.iter().map(|line| line.at).collect();
        assert_eq!(moments, [Some(first), Some(second), Some(second)]);
    }
}
