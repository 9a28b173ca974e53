//! Bytes to and from a socket, without help from the code under test.

use super::DEADLINE;
use crate::transport::Stream;
pub use pair_tests::bytes::{ACCEPTED, CLOSE, CLOSED, PREAMBLE, STATS, WHO_AM_I, echo, frame, say};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

pub fn echoed(bytes: &[u8]) -> Vec<u8> {
    frame(0x82, bytes)
}

pub fn error(code: u16, text: &str) -> Vec<u8> {
    frame(0xFF, &[&code.to_be_bytes()[..], text.as_bytes()].concat())
}

/// One end of a connection. Nothing here waits longer than [`DEADLINE`] for the other end.
#[derive(Debug)]
pub struct Peer {
    stream: Stream,
}

impl Peer {
    pub fn new(stream: Stream) -> Self {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Peer { stream }
    }

    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends what the other end still takes, which may have gone.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub fn half_close(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Whether a read would return at once: with bytes, the end of the stream or an error.
    pub fn has_something_to_read(&self) -> bool {
        self.poll(Duration::ZERO)
    }

    /// Waits until a read would return at once, and reads nothing.
    #[track_caller]
    pub fn wait_until_something_came(&self) {
        assert!(self.poll(DEADLINE), "nothing came");
    }

    fn poll(&self, timeout: Duration) -> bool {
        let timeout = Timespec::try_from(timeout).unwrap();
        let mut descriptors = [PollFd::new(&self.stream, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut descriptors, Some(&timeout))).unwrap() > 0
    }

    /// Reads exactly these bytes.
    #[track_caller]
    pub fn expect(&mut self, bytes: &[u8]) {
        let mut came = vec![0; bytes.len()];
        self.stream.read_exact(&mut came).unwrap();
        assert_eq!(came, bytes, "{came:02x?}");
    }

    /// Reads a whole frame, its kind and body; `None` at the end of the stream.
    #[track_caller]
    pub fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut length = [0; 4];
        // With a timeout set, a stop and a continue interrupt a read: signal(7).
        let came = loop {
            match self.stream.read(&mut length) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                came => break came.unwrap(),
            }
        };
        if came == 0 {
            return None;
        }
        self.stream.read_exact(&mut length[came..]).unwrap();
        let length = u32::from_be_bytes(length) as usize;
        assert!((1..1 << 24).contains(&length), "a frame of {length} bytes");
        let mut frame = vec![0; length];
        self.stream.read_exact(&mut frame).unwrap();
        let body = frame.split_off(1);
        Some((frame[0], body))
    }

    /// Reads an error of this code, and returns its text.
    #[track_caller]
    pub fn expect_error(&mut self, code: u16) -> String {
        let (kind, body) = self.frame().expect("an error, not the end of the stream");
        assert_eq!(kind, 0xFF, "an error, not {body:02x?}");
        assert_eq!(u16::from_be_bytes([body[0], body[1]]), code, "{body:?}");
        String::from_utf8(body[2..].to_vec()).unwrap()
    }

    /// Reads the end of the stream, and nothing before it.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"", "nothing before the end of the stream");
    }

    /// Reads until the other end has gone, however it went.
    pub fn drain(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => rest,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => rest,
            Err(error) => panic!("the other end still has not gone: {error}"),
        }
    }
}
