//! A peer as `Read + Write`.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::time::Duration;

use crate::common::{each, tcp, unix};
use scripted_peer::{Ending, frame, line};

#[test]
fn a_reader_of_lines_can_sit_on_it() {
    for server in each("counts-reads") {
        let mut peer = server.connect();
        let mut reader = BufReader::new(peer.stream());
        let mut answer = String::new();
        for text in ["hello", "you"] {
            reader.get_mut().write_all(text.as_bytes()).unwrap();
            reader.read_line(&mut answer).unwrap();
        }
        assert_eq!(answer, "5\n3\n");
        reader.get_mut().peer().half_close();
        answer.clear();
        reader.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "0\n", "the end is the end of reading");
        peer.expect_end();
    }
}

#[test]
fn the_check_decides_how_bytes_leave() {
    for server in each("counts-reads") {
        let mut peer = server.connect();
        peer.stream().drip().write_all(b"abc").unwrap();
        peer.expect("1\n1\n1\n");
        peer.stream().in_pieces(2).write_all(b"abcd").unwrap();
        peer.expect("2\n2\n");
        let mut stream = peer.stream().coalesce();
        stream.write_all(b"ab").unwrap();
        stream.write_all(b"cd").unwrap();
        stream.peer().expect_nothing_yet();
        stream.flush().unwrap();
        peer.expect(line("4"));
    }
}

#[test]
fn what_is_left_of_a_read_waits_for_the_next_verb() {
    let server = unix("frames");
    let mut peer = server.connect();
    peer.send(frame("hello"));
    let mut length = [0; 4];
    peer.stream().read_exact(&mut length).unwrap();
    assert_eq!(length, [0, 0, 0, 5]);
    peer.expect("hello");
}

#[test]
fn endings_stay_four() {
    let mut buffer = [0; 64];
    let server = tcp("greets");
    let mut peer = server.connect();
    let end = peer.stream().read_exact(&mut buffer).unwrap_err();
    assert_eq!(Ending::of(&end), Some(Ending::End));
    let server = tcp("closes-with-unread");
    let mut peer = server.connect();
    peer.send("two").expect_reset();
    let reset = peer.stream().read(&mut buffer).unwrap_err();
    assert_eq!(Ending::of(&reset), Some(Ending::Reset));
    let reset = peer.stream().write(b"more").unwrap_err();
    assert_eq!(Ending::of(&reset), Some(Ending::Reset));
    let server = unix("waits");
    let mut peer = server.connect();
    peer.patience(Duration::from_millis(100));
    let silence = peer.stream().read(&mut buffer).unwrap_err();
    assert_eq!(Ending::of(&silence), Some(Ending::Silence));
    assert_eq!(silence.to_string(), "silence for 100ms");
    assert_eq!(
        Ending::of(&ErrorKind::ConnectionRefused.into()),
        Some(Ending::Refusal)
    );
    assert_eq!(Ending::of(&ErrorKind::InvalidData.into()), None);
}
