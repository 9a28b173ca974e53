//! Any bytes, split anywhere: no panic, no memory beyond what came, and the same frames as when
//! they are split off one by one. Run it with `RUSTC_BOOTSTRAP=1 cargo fuzz run any_bytes`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shared_proto::tutorial::{Request, Response};
use shared_proto::{Call, Connection, Decode, Message, PREAMBLE, Reply, split_frame};
use std::io::{self, Read};

const MAX_FRAME: u32 = 1 << 16;

/// Hands out its bytes in pieces of `step`.
struct Pieces<'a> {
    rest: &'a [u8],
    step: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.step.min(buffer.len()).min(self.rest.len());
        let (piece, rest) = self.rest.split_at(size);
        buffer[..size].copy_from_slice(piece);
        self.rest = rest;
        Ok(size)
    }
}

// ANCHOR: target
fuzz_target!(|input: (u8, Vec<u8>)| {
    let (step, bytes) = input;
    let step = usize::from(step) + 1;
    let mut server = Connection::server(Pieces { rest: &bytes, step }).with_max_frame(MAX_FRAME);
    let mut rest = bytes.strip_prefix(&PREAMBLE).unwrap_or_default();
    while let Ok(Some(frame)) = server.receive() {
        let (expected, size) =
            split_frame(rest, MAX_FRAME).expect("a good length").expect("a whole frame");
        assert_eq!(frame, expected);
        rest = &rest[size..];
        if let Ok(request) = Call::<Request<'_>>::decode(frame) {
            let mut encoded = Vec::new();
            request.encode(&mut encoded);
            assert_eq!(split_frame(&encoded, u32::MAX).ok().flatten().map(|it| it.0), Some(frame));
        }
        let _ = Reply::<Response<'_>>::decode(frame);
    }
    assert!(server.memory() <= 16 * 1024 + 4 * bytes.len());
});
// ANCHOR_END: target
