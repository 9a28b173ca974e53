//! Bytes in the clear, as they are inside of TLS.

pub const PREAMBLE: &[u8] = b"PSK\x01";
pub const WHO_AM_I: &[u8] = b"\0\0\0\x01\x03";
pub const CLOSE: &[u8] = b"\0\0\0\x01\x05";
pub const ACCEPTED: &[u8] = b"\0\0\0\x01\x81";
pub const CLOSED: &[u8] = b"\0\0\0\x01\x85";

pub const BUSY: u16 = 5;
pub const TOO_SLOW: u16 = 6;
pub const DRAINING: u16 = 7;
pub const MALFORMED: u16 = 3;

pub fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 1).unwrap().to_be_bytes();
    [&length[..], &[kind], body].concat()
}

pub fn say(text: &str) -> Vec<u8> {
    frame(0x01, text.as_bytes())
}

pub fn echo(bytes: &[u8]) -> Vec<u8> {
    frame(0x02, bytes)
}
