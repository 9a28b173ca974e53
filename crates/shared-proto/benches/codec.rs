//! What framing costs, without any socket: `cargo bench -p shared-proto`. Each row is a batch of
//! 200 frames, about what one read of a connection brings; the throughput column says frames a
//! second, so 3 ns a frame are 333 Mitem/s.
//!
//! Beside it, on the same bytes, tokio-util's `LengthDelimitedCodec`, which counts references to
//! share its buffer; it doesn't look at kinds.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use shared_proto::tutorial::Request;
use shared_proto::{Call, DEFAULT_MAX_FRAME, Decode, Message, split_frame};
use tokio_util::bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec};

const FRAMES: usize = 200;
const SIZES: [usize; 3] = [0, 64, 1024];

fn main() {
    divan::main();
}

fn frames(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..FRAMES {
        Request::Echo(body).encode(&mut bytes);
    }
    bytes
}

#[divan::bench(args = SIZES)]
fn decode(bencher: Bencher<'_, '_>, size: usize) {
    let bytes = frames(&vec![b'm'; size]);
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        let mut rest = black_box(&bytes[..]);
        while let Ok(Some((frame, taken))) = split_frame(rest, DEFAULT_MAX_FRAME) {
            black_box(Call::<Request<'_>>::decode(frame).is_ok());
            rest = &rest[taken..];
        }
        assert!(rest.is_empty());
    });
}

#[divan::bench(args = SIZES)]
fn decode_tokio_util(bencher: Bencher<'_, '_>, size: usize) {
    let bytes = frames(&vec![b'm'; size]);
    bencher
        .counter(ItemsCount::new(FRAMES))
        .with_inputs(|| BytesMut::from(&bytes[..]))
        .bench_local_refs(|buffer| {
            let mut codec = LengthDelimitedCodec::new();
            while let Ok(Some(frame)) = codec.decode(buffer) {
                black_box(frame);
            }
            assert!(buffer.is_empty());
        });
}

#[divan::bench(args = SIZES)]
fn encode(bencher: Bencher<'_, '_>, size: usize) {
    let body = vec![b'm'; size];
    let mut out = frames(&body);
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        out.clear();
        for _ in 0..FRAMES {
            Request::Echo(black_box(&body)).encode(&mut out);
        }
        black_box(&out);
    });
}

#[divan::bench(args = SIZES)]
fn encode_tokio_util(bencher: Bencher<'_, '_>, size: usize) {
    // As long a frame as ours: the kind counts as a byte of the body.
    let body = Bytes::from(vec![b'm'; size + 1]);
    let mut out = BytesMut::with_capacity(FRAMES * (size + 5));
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        out.clear();
        let mut codec = LengthDelimitedCodec::new();
        for _ in 0..FRAMES {
            codec
                .encode(black_box(body.clone()), &mut out)
                .expect("far below its limit");
        }
        black_box(&out);
    });
}
