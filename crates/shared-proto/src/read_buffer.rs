//! The buffer for bytes that have arrived. Frames are read in place, without copying them.

use crate::frame::{Frame, LENGTH_BYTES};
use std::io::{self, ErrorKind, Read};

/// The buffer's initial size. It doubles whenever it is full and a frame is still incomplete, so it
/// never grows faster than bytes arrive.
const FIRST_BUFFER: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(crate) struct ReadBuffer {
    /// `buffer[start..end]` has arrived and has not been taken yet.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl ReadBuffer {
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(crate) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    pub(crate) fn skip(&mut self, bytes: usize) {
        self.start += bytes;
    }

    /// Takes the frame at the start of the bytes, which has `size` bytes, including its length
    /// field.
    #[inline]
    pub(crate) fn take(&mut self, size: usize) -> Frame<'_> {
        let frame = &self.buffer[self.start..self.end][..size];
        self.start += size;
        Frame {
            kind: frame[LENGTH_BYTES],
            body: &frame[LENGTH_BYTES + 1..],
        }
    }

    /// Reads once, and appends what was read to the bytes that have arrived. Returns `false` at the
    /// end of the stream.
    pub(crate) fn read_from(&mut self, stream: &mut impl Read) -> io::Result<bool> {
        self.make_room();
        loop {
            match stream.read(&mut self.buffer[self.end..]) {
                Ok(bytes) => {
                    self.end += bytes;
                    return Ok(bytes > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn make_room(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end < self.buffer.len() {
            return;
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        } else {
            let grown = twice(self.end, isize::MAX as usize);
            self.buffer.resize(FIRST_BUFFER.max(grown), 0);
        }
    }
}

/// Twice as many bytes, or `most`: what a `Vec` can hold. Where addresses have 32 bits, a frame of
/// more than 1 GiB reaches that limit.
fn twice(bytes: usize, most: usize) -> usize {
    bytes.saturating_mul(2).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_grows_no_further_than_a_vec_can() {
        let most = i32::MAX as usize;
        assert_eq!(twice(FIRST_BUFFER, most), 2 * FIRST_BUFFER);
        assert_eq!(twice((1 << 30) - 1, most), (1 << 31) - 2);
        assert_eq!(twice(1 << 30, most), most);
        assert_eq!(twice(usize::MAX, most), most);
    }
}
