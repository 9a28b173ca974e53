//! Bytes in the clear, as they are inside of TLS.

pub use pair_tests::bytes::{ACCEPTED, CLOSE, CLOSED, PREAMBLE, WHO_AM_I, echo, say};

pub const BUSY: u16 = 5;
pub const TOO_SLOW: u16 = 6;
pub const DRAINING: u16 = 7;
pub const MALFORMED: u16 = 3;
