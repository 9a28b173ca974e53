//! `golden.txt` holds the bytes of every kind of message. A client in another language can be
//! checked against that file without Rust; the book's appendix prints it.

use shared_proto::tutorial::{Request, Response, Stats};
use shared_proto::{
    Call, DEFAULT_MAX_FRAME, Decode, ErrorCode, ErrorReply, Message, PREAMBLE, Reply, split_frame,
};

fn golden(name: &str) -> Vec<u8> {
    let line = include_str!("golden.txt")
        .lines()
        .find(|line| line.split('|').next().unwrap().trim() == name)
        .unwrap_or_else(|| panic!("golden.txt has no {name:?}"));
    let hex = line.split('|').nth(1).unwrap();
    hex.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

fn requests() -> Vec<(String, Call<Request<'static>>)> {
    vec![
        ("say \"hello\"".into(), Call::Request(Request::Say("hello"))),
        ("say \"\"".into(), Call::Request(Request::Say(""))),
        ("say \"aé€😀\"".into(), Call::Request(Request::Say("aé€😀"))),
        (
            "echo 00 ff 0a".into(),
            Call::Request(Request::Echo(&[0x00, 0xFF, 0x0A])),
        ),
        ("who am I".into(), Call::Request(Request::WhoAmI)),
        ("stats".into(), Call::Request(Request::Stats)),
        ("close".into(), Call::Close),
    ]
}

fn responses() -> Vec<(String, Reply<'static, Response<'static>>)> {
    let stats = Stats {
        connections_now: 1,
        connections_ever: 2,
        requests: 3,
        uptime_ms: 4,
    };
    let mut table = vec![
        ("accepted".into(), Reply::Response(Response::Accepted)),
        (
            "echo reply 00 ff 0a".into(),
            Reply::Response(Response::Echo(vec![0x00, 0xFF, 0x0A].into())),
        ),
        (
            "peer over TCP".into(),
            Reply::Response(Response::Peer("tcp 127.0.0.1:50312".into())),
        ),
        (
            "peer over a Unix socket".into(),
            Reply::Response(Response::Peer("unix pid=71 uid=1000 gid=1000".into())),
        ),
        (
            "stats reply 1 2 3 4".into(),
            Reply::Response(Response::Stats(stats)),
        ),
        ("closed".into(), Reply::Closed),
    ];
    table.extend((1..=9).map(|code| {
        let code = ErrorCode::from(code);
        (
            format!("error {} {code} \"why\"", u16::from(code)),
            error(code),
        )
    }));
    table
}

fn error(code: ErrorCode) -> Reply<'static, Response<'static>> {
    Reply::Error(ErrorReply {
        code,
        text: "why".into(),
    })
}

fn encoded(message: &impl Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

#[test]
fn every_request_has_its_golden_bytes() {
    for (name, request) in requests() {
        let bytes = golden(&name);
        assert_eq!(encoded(&request), bytes, "{name}");
        let (frame, size) = split_frame(&bytes, DEFAULT_MAX_FRAME).unwrap().unwrap();
        assert_eq!(size, bytes.len(), "{name}");
        assert_eq!(Call::decode(frame), Ok(request), "{name}");
    }
}

#[test]
fn every_response_has_its_golden_bytes() {
    for (name, response) in responses() {
        let bytes = golden(&name);
        assert_eq!(encoded(&response), bytes, "{name}");
        let (frame, size) = split_frame(&bytes, DEFAULT_MAX_FRAME).unwrap().unwrap();
        assert_eq!(size, bytes.len(), "{name}");
        assert_eq!(Reply::decode(frame), Ok(response), "{name}");
    }
}

#[test]
fn the_preamble_has_its_golden_bytes() {
    assert_eq!(golden("preamble"), PREAMBLE);
}

#[test]
fn no_golden_vector_is_left_unread() {
    let read = 1 + requests().len() + responses().len();
    assert_eq!(include_str!("golden.txt").lines().count(), read);
}
