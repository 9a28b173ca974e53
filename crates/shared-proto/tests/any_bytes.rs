//! Rules that hold for all messages, all splits and all garbage; proptest looks for the exception.

use proptest::prelude::*;
use shared_proto::tutorial::{Request, Response, Stats};
use shared_proto::{
    BadMessage, Call, Connection, ConnectionError, Decode, ErrorCode, ErrorReply, Frame, Message,
    Reply, split_frame,
};
use std::io::{self, Read};

const MAX_FRAME: u32 = 4096;

// ANCHOR: pieces
/// A stream that hands out its bytes in pieces of given sizes, then ends.
struct Pieces {
    bytes: Vec<u8>,
    sizes: Vec<usize>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.pop().unwrap_or(usize::MAX);
        let size = size.clamp(1, buffer.len()).min(self.bytes.len());
        buffer[..size].copy_from_slice(&self.bytes[..size]);
        self.bytes.drain(..size);
        Ok(size)
    }
}
// ANCHOR_END: pieces

#[derive(Debug, Clone)]
enum OwnedRequest {
    Say(String),
    Echo(Vec<u8>),
    WhoAmI,
    Stats,
    Close,
}

impl OwnedRequest {
    fn borrow(&self) -> Call<Request<'_>> {
        Call::Request(match self {
            OwnedRequest::Say(text) => Request::Say(text),
            OwnedRequest::Echo(bytes) => Request::Echo(bytes),
            OwnedRequest::WhoAmI => Request::WhoAmI,
            OwnedRequest::Stats => Request::Stats,
            OwnedRequest::Close => return Call::Close,
        })
    }
}

fn any_request() -> impl Strategy<Value = OwnedRequest> {
    prop_oneof![
        any::<String>().prop_map(OwnedRequest::Say),
        prop::collection::vec(any::<u8>(), 0..2000).prop_map(OwnedRequest::Echo),
        Just(OwnedRequest::WhoAmI),
        Just(OwnedRequest::Stats),
        Just(OwnedRequest::Close),
    ]
}

fn any_response() -> impl Strategy<Value = Reply<'static, Response<'static>>> {
    let stats = any::<(u32, u64, u64, u64)>().prop_map(|(now, ever, requests, uptime_ms)| {
        Reply::Response(Response::Stats(Stats {
            connections_now: now,
            connections_ever: ever,
            requests,
            uptime_ms,
        }))
    });
    prop_oneof![
        Just(Reply::Response(Response::Accepted)),
        prop::collection::vec(any::<u8>(), 0..2000)
            .prop_map(|bytes| Reply::Response(Response::Echo(bytes.into()))),
        any::<String>().prop_map(|text| Reply::Response(Response::Peer(text.into()))),
        stats,
        Just(Reply::Closed),
        any::<(u16, String)>().prop_map(|(code, text)| Reply::Error(ErrorReply {
            code: ErrorCode::from(code),
            text: text.into()
        })),
    ]
}

fn encoded(message: &impl Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

proptest! {
    #[test]
    fn every_request_round_trips(request in any_request()) {
        let bytes = encoded(&request.borrow());
        let (frame, size) = split_frame(&bytes, u32::MAX).unwrap().unwrap();
        prop_assert_eq!(size, bytes.len());
        prop_assert_eq!(Call::decode(frame), Ok(request.borrow()));
    }

    #[test]
    fn every_response_round_trips(response in any_response()) {
        let bytes = encoded(&response);
        let (frame, size) = split_frame(&bytes, u32::MAX).unwrap().unwrap();
        prop_assert_eq!(size, bytes.len());
        prop_assert_eq!(Reply::decode(frame), Ok(response));
    }

    // ANCHOR: any_split
    #[test]
    fn any_split_and_any_coalescing_decode_alike(
        requests in prop::collection::vec(any_request(), 0..8),
        sizes in prop::collection::vec(1..300_usize, 0..60),
    ) {
        let mut bytes = shared_proto::PREAMBLE.to_vec();
        for request in &requests {
            request.borrow().encode(&mut bytes);
        }
        let mut connection = Connection::server(Pieces { bytes, sizes });
        for request in &requests {
            let frame = connection.receive().unwrap().unwrap();
            prop_assert_eq!(Call::decode(frame), Ok(request.borrow()));
        }
        prop_assert!(connection.receive().unwrap().is_none());
    }
    // ANCHOR_END: any_split

    #[test]
    fn garbage_ends_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        sizes in prop::collection::vec(1..50_usize, 0..30),
    ) {
        let mut connection =
            Connection::client(Pieces { bytes: bytes.clone(), sizes }).with_max_frame(MAX_FRAME);
        let mut taken = 0;
        while let Ok(Some(Frame { kind, body })) = connection.receive() {
            taken += shared_proto::HEADER_BYTES + body.len();
            let _ = Call::<Request<'_>>::decode(Frame { kind, body });
            let _ = Reply::<Response<'_>>::decode(Frame { kind, body });
        }
        prop_assert!(taken <= bytes.len());
        prop_assert!(connection.memory() < 17_000);
    }

    #[test]
    fn an_unknown_kind_is_told_with_its_number(kind in 6..=255_u8, body in any::<Vec<u8>>()) {
        let frame = Frame { kind, body: &body };
        let bad = Call::<Request<'_>>::decode(frame);
        prop_assert_eq!(bad, Err(BadMessage::UnknownKind(kind)));
    }
}

#[test]
fn memory_follows_the_bytes_that_come_not_the_length_declared() {
    for come in [0, 3, 20_000, 300_000] {
        let mut bytes = vec![0xFF, 0xFF, 0xFF, 0xFF, 0x02];
        bytes.resize(bytes.len() + come, 7);
        let sizes = vec![1000; 500];
        let mut connection = Connection::client(Pieces { bytes, sizes }).with_max_frame(u32::MAX);
        let outcome = connection.receive();
        assert!(
            matches!(outcome, Err(ConnectionError::EndInsideFrame { .. })),
            "{outcome:?}"
        );
        assert!(
            connection.memory() <= 17_000.max(2 * come + 4096),
            "{}",
            connection.memory()
        );
    }
}
