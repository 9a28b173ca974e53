//! The preamble and the frame: how a stream of bytes is cut into messages.

use std::fmt;

/// The first bytes a client sends: `PSK`, then the version of the protocol.
pub const PREAMBLE: [u8; 4] = *b"PSK\x01";

/// The size of a frame's `length` field, in bytes. The field is a big-endian `u32`, and counts the
/// kind and the body, but not itself.
pub const LENGTH_BYTES: usize = 4;

/// The number of bytes before a frame's body: the `length` field and the kind.
pub const HEADER_BYTES: usize = LENGTH_BYTES + 1;

/// The largest `length` that a frame may declare by default: 256 KiB.
pub const DEFAULT_MAX_FRAME: u32 = 256 * 1024;

/// The largest `length` whose frame fits into memory: a `Vec` holds at most `isize::MAX` bytes.
/// Where addresses have 64 bits, every length fits.
const LARGEST_LENGTH: u32 = largest_length(isize::MAX as u64);

/// The largest `length` of a frame that takes `most` bytes, the length itself included.
const fn largest_length(most: u64) -> u32 {
    let length = most.saturating_sub(LENGTH_BYTES as u64);
    if length > u32::MAX as u64 {
        return u32::MAX;
    }
    #[allow(clippy::cast_possible_truncation, reason = "compared above")]
    let length = length as u32;
    length
}

/// A complete frame, still in the buffer that it was read into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the body means. The service defines the kinds, except for the three of the
    /// [envelope](crate::envelope).
    pub kind: u8,
    /// The content, `length - 1` bytes.
    pub body: &'a [u8],
}

/// Appends a whole frame.
#[inline]
pub(crate) fn append_frame(kind: u8, body: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&encode_header(kind, body.len()));
    out.extend_from_slice(body);
}

/// The header of a frame whose body has `body_bytes` bytes: its length and its kind.
#[inline]
pub(crate) fn encode_header(kind: u8, body_bytes: usize) -> [u8; HEADER_BYTES] {
    let length = u32::try_from(body_bytes + 1).expect("a body is shorter than 4 GiB - 1");
    let [a, b, c, d] = length.to_be_bytes();
    [a, b, c, d, kind]
}

/// The first bytes of a connection are not a preamble, or a preamble of another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPreamble {
    /// The first byte that is wrong.
    pub found: u8,
    /// The position of that byte, from 0 to 3. If it is 3, the peer speaks another version of this
    /// protocol.
    pub at: usize,
}

impl fmt::Display for BadPreamble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at == PREAMBLE.len() - 1 {
            let [.., ours] = PREAMBLE;
            return write!(f, "protocol version {}, expected {ours}", self.found);
        }
        write!(
            f,
            "byte {} is {:#04x}, expected the preamble \"PSK\"",
            self.at, self.found
        )
    }
}

impl std::error::Error for BadPreamble {}

/// Checks the first bytes of a connection, as many as have arrived: returns `true` once the
/// preamble is complete, and `false` while it may still become one.
///
/// # Errors
///
/// [`BadPreamble`], which names the first byte that differs from [`PREAMBLE`].
pub fn check_preamble(bytes: &[u8]) -> Result<bool, BadPreamble> {
    let wrong = bytes
        .iter()
        .zip(&PREAMBLE)
        .position(|(found, expected)| found != expected);
    match wrong {
        Some(at) => Err(BadPreamble {
            found: bytes[at],
            at,
        }),
        None => Ok(bytes.len() >= PREAMBLE.len()),
    }
}

/// An invalid length, after which no more frames can be found in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// The frame declares more bytes than are allowed.
    TooLarge {
        /// The length that the frame declares, in bytes.
        length: u32,
        /// The largest length that is allowed, in bytes.
        max_frame: u32,
    },
    /// The frame declares 0 bytes, and so has no kind.
    Empty,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::TooLarge { length, max_frame } => {
                write!(f, "a frame of {length} bytes, the limit is {max_frame}")
            }
            FrameError::Empty => write!(f, "a frame of length 0"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Returns the size of the frame at the start of `bytes`, including its length field, or `None`
/// while fewer than [`LENGTH_BYTES`] have arrived. The rest of the frame may still be missing.
///
/// # Errors
///
/// [`FrameError`], as soon as the length field has arrived, if the length is 0 or above
/// `max_frame`, or if the frame cannot fit into this machine's memory (2 GiB or more, where
/// addresses have 32 bits).
#[inline]
pub fn frame_size(bytes: &[u8], max_frame: u32) -> Result<Option<usize>, FrameError> {
    let Some(length) = bytes.first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    #[allow(
        clippy::unnecessary_min_or_max,
        reason = "it isn't where addresses have 32 bits"
    )]
    let max_frame = max_frame.min(LARGEST_LENGTH);
    match u32::from_be_bytes(*length) {
        0 => Err(FrameError::Empty),
        length if length > max_frame => Err(FrameError::TooLarge { length, max_frame }),
        length => Ok(Some(LENGTH_BYTES + length as usize)),
    }
}

/// Returns the frame at the start of `bytes`, and its size in bytes; `None` while it is incomplete.
/// Nothing is copied.
///
/// # Errors
///
/// Those of [`frame_size`].
#[inline]
pub fn split_frame(bytes: &[u8], max_frame: u32) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some(size) = frame_size(bytes, max_frame)? else {
        return Ok(None);
    };
    match bytes.get(LENGTH_BYTES..size) {
        Some([kind, body @ ..]) => Ok(Some((Frame { kind: *kind, body }, size))),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preamble_is_judged_at_its_first_wrong_byte() {
        assert_eq!(check_preamble(b""), Ok(false));
        assert_eq!(check_preamble(b"PSK"), Ok(false));
        assert_eq!(check_preamble(b"PSK\x01"), Ok(true));
        assert_eq!(check_preamble(b"PSK\x01more"), Ok(true));
        assert_eq!(
            check_preamble(b"G"),
            Err(BadPreamble { found: b'G', at: 0 })
        );
        assert_eq!(
            check_preamble(b"PSX"),
            Err(BadPreamble { found: b'X', at: 2 })
        );
        assert_eq!(
            check_preamble(b"PSK\x02"),
            Err(BadPreamble { found: 2, at: 3 })
        );
    }

    #[test]
    fn a_length_is_judged_before_the_kind_has_come() {
        assert_eq!(frame_size(&[0, 0, 0], 9), Ok(None));
        assert_eq!(frame_size(&[0, 0, 0, 9], 9), Ok(Some(13)));
        assert_eq!(frame_size(&[0, 0, 0, 0], 9), Err(FrameError::Empty));
        assert_eq!(
            frame_size(&[0, 0, 0, 10], 9),
            Err(FrameError::TooLarge {
                length: 10,
                max_frame: 9
            })
        );
        assert_eq!(
            frame_size(&[0xFF; 4], 9),
            Err(FrameError::TooLarge {
                length: u32::MAX,
                max_frame: 9
            })
        );
    }

    #[test]
    fn no_length_overflows_the_size_of_its_frame_whatever_the_size_of_an_address() {
        for most in [i16::MAX as u64, i32::MAX as u64, 1 << 32] {
            let frame = u64::from(largest_length(most)) + LENGTH_BYTES as u64;
            assert_eq!(frame, most);
        }
        // Every value that four bytes can express, on a 64-bit machine.
        assert_eq!(largest_length(i64::MAX as u64), u32::MAX);
        assert_eq!(largest_length(3), 0);
        let bytes = u32::MAX.to_be_bytes();
        match frame_size(&bytes, u32::MAX) {
            Ok(Some(size)) => assert_eq!(size as u64, (1 << 32) + 3),
            outcome => assert!(
                matches!(outcome, Err(FrameError::TooLarge { max_frame, .. }) if max_frame == LARGEST_LENGTH)
            ),
        }
    }

    #[test]
    fn a_frame_is_taken_once_it_is_whole() {
        let bytes = [0, 0, 0, 3, 7, b'h', b'i', 99];
        for come in 0..7 {
            assert_eq!(split_frame(&bytes[..come], 9), Ok(None), "{come} bytes");
        }
        let frame = Frame {
            kind: 7,
            body: b"hi",
        };
        assert_eq!(split_frame(&bytes[..7], 9), Ok(Some((frame, 7))));
        assert_eq!(split_frame(&bytes, 9), Ok(Some((frame, 7))));
    }
}
