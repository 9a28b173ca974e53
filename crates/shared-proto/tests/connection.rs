//! `Connection` over streams that are slow, short, or fail halfway.

use shared_proto::tutorial::{Request, Response};
use shared_proto::{Connection, ConnectionError, Decode, Frame, PREAMBLE};
use std::io::{self, ErrorKind, Read, Write};

/// Counts calls, takes at most `most` bytes a write, and fails every other call if asked to.
struct Awkward {
    reads: usize,
    writes: usize,
    most: usize,
    interrupting: bool,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Awkward {
    fn new(incoming: &[u8]) -> Self {
        Awkward {
            reads: 0,
            writes: 0,
            most: usize::MAX,
            interrupting: false,
            incoming: incoming.to_vec(),
            outgoing: Vec::new(),
        }
    }
}

impl Read for Awkward {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        if self.interrupting && self.reads % 2 == 1 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let size = buffer.len().min(self.incoming.len()).min(self.most);
        buffer[..size].copy_from_slice(&self.incoming[..size]);
        self.incoming.drain(..size);
        Ok(size)
    }
}

impl Write for Awkward {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        if self.interrupting && self.writes % 2 == 1 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let size = bytes.len().min(self.most);
        self.outgoing.extend_from_slice(&bytes[..size]);
        Ok(size)
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.write(
            &slices
                .iter()
                .map(|slice| &**slice)
                .collect::<Vec<_>>()
                .concat(),
        )
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn say(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    shared_proto::Message::encode(&Request::Say(text), &mut bytes);
    bytes
}

#[test]
fn the_preamble_and_the_first_request_are_one_write() {
    let mut client = Connection::client(Awkward::new(&[]));
    client.send(&Request::Say("hello")).unwrap();
    assert_eq!(
        client.stream().outgoing,
        [&PREAMBLE[..], &say("hello")].concat()
    );
    assert_eq!(client.stream().writes, 1);
}

#[test]
fn a_large_body_is_one_write_too() {
    let mut client = Connection::client(Awkward::new(&[]));
    let text = "x".repeat(100_000);
    client.send(&Request::Say(&text)).unwrap();
    assert_eq!(
        client.stream().outgoing,
        [&PREAMBLE[..], &say(&text)].concat()
    );
    assert_eq!(client.stream().writes, 1);
}

#[test]
fn queued_messages_are_one_write() {
    let mut client = Connection::client(Awkward::new(&[]));
    client.queue(&Request::Say("one"));
    client.queue(&Request::Say("two"));
    client.flush().unwrap();
    assert_eq!(
        client.stream().outgoing,
        [&PREAMBLE[..], &say("one"), &say("two")].concat()
    );
    assert_eq!(client.stream().writes, 1);
    client.flush().unwrap();
    assert_eq!(client.stream().writes, 1, "nothing queued, nothing written");
}

#[test]
fn many_frames_are_one_read() {
    let bytes = [&PREAMBLE[..], &say("one"), &say("two"), &say("three")].concat();
    let mut server = Connection::server(Awkward::new(&bytes));
    for text in ["one", "two", "three"] {
        let frame = server.receive().unwrap().unwrap();
        assert_eq!(Request::decode(frame), Ok(Request::Say(text)));
    }
    assert_eq!(server.stream().reads, 1);
}

#[test]
fn a_short_write_is_finished() {
    for most in [1, 3, 4096, 70_000] {
        let mut awkward = Awkward::new(&[]);
        awkward.most = most;
        let mut client = Connection::client(awkward);
        let text = "y".repeat(70_000);
        client.send(&Request::Say(&text)).unwrap();
        assert!(
            client.stream().outgoing == [&PREAMBLE[..], &say(&text)].concat(),
            "{most}"
        );
    }
}

#[test]
fn a_timeout_loses_no_bytes_either_way() {
    let text = "z".repeat(50_000);
    let mut awkward = Awkward::new(&[&PREAMBLE[..], &say(&text), &say("after")].concat());
    (awkward.interrupting, awkward.most) = (true, 7_000);
    let mut server = Connection::server(awkward);

    let mut timeouts = 0;
    for expected in [text.as_str(), "after"] {
        loop {
            match server.receive() {
                Ok(frame) => {
                    assert_eq!(Request::decode(frame.unwrap()), Ok(Request::Say(expected)));
                    break;
                }
                Err(ConnectionError::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    timeouts += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(timeouts > 5);

    let mut outcome = server.send(&Response::Echo(text.as_bytes().into()));
    while let Err(error) = outcome {
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        outcome = server.flush();
    }
    assert_eq!(server.stream().outgoing.len(), 5 + text.len());
    assert!(server.stream().outgoing.ends_with(text.as_bytes()));
}

#[test]
fn the_end_of_the_stream_is_told_by_where_it_comes() {
    let whole = [&PREAMBLE[..], &say("hi")].concat();
    for come in 0..whole.len() {
        let mut server = Connection::server(Awkward::new(&whole[..come]));
        let outcome = server.receive();
        match come {
            0 | 4 => assert!(matches!(outcome, Ok(None)), "{come}: {outcome:?}"),
            _ => assert!(
                matches!(outcome, Err(ConnectionError::EndInsideFrame { .. })),
                "{come}: {outcome:?}"
            ),
        }
    }
    let mut server = Connection::server(Awkward::new(&whole));
    assert!(server.receive().unwrap().is_some());
    assert!(server.receive().unwrap().is_none());
}

#[test]
fn a_wrong_preamble_is_told_at_its_first_byte() {
    let mut server = Connection::server(Awkward::new(b"G"));
    assert!(matches!(
        server.receive(),
        Err(ConnectionError::BadPreamble(_))
    ));
}

#[test]
fn the_limit_itself_is_fine_and_one_more_is_refused() {
    let ten = say("123456789");
    let mut peer = Connection::client(Awkward::new(&ten)).with_max_frame(10);
    assert_eq!(
        peer.receive().unwrap(),
        Some(Frame {
            kind: 1,
            body: b"123456789"
        })
    );
    let mut peer = Connection::client(Awkward::new(&ten)).with_max_frame(9);
    assert!(matches!(peer.receive(), Err(ConnectionError::Frame(_))));
}

#[test]
fn a_frame_waited_for_is_still_there_to_take() {
    let mut client = Connection::client(Awkward::new(&[0, 0, 0, 1, 0x81]));
    client.stream_mut().most = 2;
    assert!(client.wait().unwrap());
    assert!(client.wait().unwrap(), "waiting takes nothing");
    let reads = client.stream().reads;
    let frame = client.receive().unwrap().unwrap();
    assert_eq!(Response::decode(frame), Ok(Response::Accepted));
    assert_eq!(client.stream().reads, reads);
    assert!(!client.wait().unwrap(), "the end of the stream");
}

#[test]
fn the_largest_frame_may_be_changed_on_the_way() {
    let mut client = Connection::client(Awkward::new(&[0, 0, 0, 3, 0x82, 1, 2]));
    client.set_max_frame(2);
    assert!(client.wait().is_err());
    client.set_max_frame(3);
    assert!(client.wait().unwrap());
}
