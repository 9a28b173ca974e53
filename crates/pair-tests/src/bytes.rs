//! Messages as the bytes on the wire, written down without help from the code under test.

/// What a connection begins with.
pub const PREAMBLE: &[u8] = b"PSK\x01";
/// A whole request.
pub const WHO_AM_I: &[u8] = b"\0\0\0\x01\x03";
/// A whole request.
pub const STATS: &[u8] = b"\0\0\0\x01\x04";
/// A whole request.
pub const CLOSE: &[u8] = b"\0\0\0\x01\x05";
/// The reply to Say.
pub const ACCEPTED: &[u8] = b"\0\0\0\x01\x81";
/// The reply to Close.
pub const CLOSED: &[u8] = b"\0\0\0\x01\x85";

/// A length, a kind and a body.
///
/// # Panics
///
/// When the body is longer than a length can say.
#[must_use]
pub fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 1).expect("it fits a length");
    let length = length.to_be_bytes();
    [&length[..], &[kind], body].concat()
}

/// A whole request.
#[must_use]
pub fn say(text: &str) -> Vec<u8> {
    frame(0x01, text.as_bytes())
}

/// A whole request.
#[must_use]
pub fn echo(bytes: &[u8]) -> Vec<u8> {
    frame(0x02, bytes)
}
