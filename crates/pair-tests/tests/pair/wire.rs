//! The wire: what a server answers to which bytes, and when it closes.

use super::peer::{
    ACCEPTED, CLOSE, CLOSED, PREAMBLE, Peer, STATS, WHO_AM_I, echo, echoed, frame, say,
};
use super::server::Server;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_reader_accepts_any_split() {
    let server = Server::start(&[]);
    let mut peer = server.connect();
    for byte in [PREAMBLE, &say("hello"), &echo(b"\0\xff")].concat() {
        peer.send(&[byte]);
    }
    peer.expect(&[ACCEPTED, &echoed(b"\0\xff")].concat());
}

#[test]
fn a_reader_accepts_any_coalescing() {
    let server = Server::start(&[]);
    let mut peer = server.connect();
    let half = say("half now, half later");
    peer.send(&[PREAMBLE, &say("a"), &echo(b"b"), &half[..9]].concat());
    peer.expect(&[ACCEPTED, &echoed(b"b")].concat());
    peer.send(&[&half[9..], &echo(b"c"), CLOSE].concat());
    peer.expect(&[ACCEPTED, &echoed(b"c"), CLOSED].concat());
    peer.expect_end();
}

#[test]
fn a_post_whose_body_holds_a_preamble_and_a_frame_gets_error_1_and_nothing_else() {
    let server = Server::start(&[]);
    let mut peer = server.connect();
    let head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 15\r\n\r\n";
    peer.send(&[head, PREAMBLE, &say("hidden")].concat());
    peer.expect_error(1);
    peer.expect_end();
    // Nor was it counted.
    let mut peer = server.greet();
    peer.send(STATS);
    assert_eq!(stats(&mut peer).2, 1);
}

#[test]
fn what_is_no_preamble_gets_error_1_at_its_first_wrong_byte() {
    let server = Server::start(&[]);
    for wrong in [&b"G"[..], b"\x16", b"PSX", b"PSK\x02", b"PSK\0"] {
        let mut peer = server.connect();
        peer.send(wrong);
        peer.expect_error(1);
        peer.expect_end();
    }
}

#[test]
fn a_whole_frame_that_is_no_request_gets_error_3_and_the_connection_goes_on() {
    let server = Server::start(&[]);
    let mut peer = server.greet();
    for wrong in [
        frame(0x42, b""),
        frame(0x00, b""),
        frame(0x81, b""),
        frame(0xFF, b"\0\x01"),
        frame(0x03, b"x"),
        frame(0x04, b"x"),
        frame(0x05, b"x"),
    ] {
        peer.send(&wrong);
        peer.expect_error(3);
    }
    peer.send(&say("still here"));
    peer.expect(ACCEPTED);
}

#[test]
fn length_0_gets_error_3_and_the_end() {
    let server = Server::start(&[]);
    let mut peer = server.greet();
    peer.send(&[&say("a"), &b"\0\0\0\0"[..], &say("b")].concat());
    peer.expect(ACCEPTED);
    peer.expect_error(3);
    peer.expect_end();
}

#[test]
fn an_end_of_stream_inside_a_preamble_or_a_frame_gets_error_3() {
    let server = Server::start(&[]);
    let whole = [PREAMBLE, &say("hello")].concat();
    for cut in [1, 3, 5, 7, 8, 9, 12] {
        let mut peer = server.connect();
        peer.send(&whole[..cut]);
        peer.half_close();
        peer.expect_error(3);
        peer.expect_end();
    }
}

#[test]
fn an_end_of_stream_between_frames_gets_no_error() {
    let server = Server::start(&[]);
    for sent in [&b""[..], PREAMBLE] {
        let mut peer = server.connect();
        peer.send(sent);
        peer.half_close();
        peer.expect_end();
    }
}

#[test]
fn what_is_not_text_gets_error_4_and_the_connection_goes_on() {
    let server = Server::start(&[]);
    let mut peer = server.greet();
    for wrong in [&b"\xff"[..], b"a\xe2\x82", b"\xed\xa0\x80", b"\xc0\x80"] {
        peer.send(&frame(1, wrong));
        peer.expect_error(4);
    }
    peer.send(&say("aé€😀"));
    peer.expect(ACCEPTED);
}

#[test]
fn every_request_sent_before_a_half_close_is_answered() {
    let server = Server::start(&[]);
    let mut peer = server.greet();
    let bodies: Vec<Vec<u8>> = (0..200_u8).map(|at| vec![at; 1000]).collect();
    peer.send(
        &bodies
            .iter()
            .flat_map(|body| echo(body))
            .collect::<Vec<_>>(),
    );
    peer.half_close();
    for body in &bodies {
        peer.expect(&echoed(body));
    }
    peer.expect_end();
}

#[test]
fn nothing_after_close_is_answered() {
    let server = Server::start(&[]);
    let mut peer = server.greet();
    peer.send(&[&say("a"), CLOSE, &say("b"), STATS, b"\0\0\0\0"].concat());
    peer.expect(&[ACCEPTED, CLOSED].concat());
    peer.expect_end();
}

#[test]
fn nothing_after_an_error_that_closes_is_answered() {
    let server = Server::start(&["--max-frame", "100"]);
    let mut peer = server.greet();
    peer.send(&[&say("a"), &echo(&[0; 200])[..], &say("b")].concat());
    peer.expect(ACCEPTED);
    peer.expect_error(2);
    peer.expect_end();
}

#[test]
fn a_reset_does_not_eat_the_last_reply() {
    let server = Server::start(&["--max-frame", "1KiB"]);
    let mut rounds = 0;
    while rounds < 10 {
        let mut peer = server.greet();
        peer.send(&(1025_u32).to_be_bytes());
        peer.wait_until_something_came();
        let answered = Instant::now();
        // A server that had closed would answer the first of these by a reset, and the second
        // could not be sent any more.
        let sent = peer
            .try_send(&[7; 15_000])
            .and_then(|()| peer.try_send(&[7; 15_000]));
        if answered.elapsed() < Duration::from_millis(500) {
            // Else it had every right to have closed: it waits for a second.
            sent.unwrap();
            peer.expect_error(2);
            peer.expect_end();
            rounds += 1;
        }
    }
}

#[test]
fn a_reset_eats_no_reply_however_much_follows_the_last_request() {
    let server = Server::start(&[]);
    let echoes = 20;
    let body = vec![7; 60_000];
    let much = vec![9; 300_000];
    let too_large = [&300_000_u32.to_be_bytes()[..], &much].concat();
    let endings: [(&[u8], Option<u8>); 3] = [
        (&too_large, Some(2)),
        (&[CLOSE, &much].concat(), None),
        (&[b"\0\0\0\0", &much[..]].concat(), Some(3)),
    ];
    for (ending, code) in endings {
        let mut peer = server.greet();
        let mut writer = Peer::new(peer.stream().try_clone().unwrap());
        let request = echo(&body);
        thread::scope(|scope| {
            scope.spawn(move || {
                (0..echoes).for_each(|_| writer.send(&request));
                // All of it in well under the second for which the server lingers.
                let _ = writer.try_send(ending);
            });
            // So that replies wait on both sides when the ending arrives.
            peer.wait_until_something_came();
            for _ in 0..echoes {
                thread::park_timeout(Duration::from_millis(2));
                peer.expect(&echoed(&body));
            }
            match code {
                Some(code) => drop(peer.expect_error(code.into())),
                None => peer.expect(CLOSED),
            }
        });
    }
}

#[test]
fn a_client_that_goes_on_after_its_last_reply_is_cut_off() {
    let server = Server::start(&[]);
    let mut peer = server.greet();
    let (started, much) = (Instant::now(), vec![0; 100_000]);
    peer.send(CLOSE);
    peer.expect(CLOSED);
    while peer.try_send(&much).is_ok() {
        assert!(started.elapsed() < super::DEADLINE, "it is still read from");
    }
    assert!(started.elapsed() >= Duration::from_millis(800), "too early");
}

#[test]
fn a_lingering_connection_holds_no_slot() {
    let server = Server::start(&["--max-clients", "1"]);
    let mut first = server.greet();
    first.send(CLOSE);
    first.expect(CLOSED);
    first.expect_end();
    // The first has not closed yet, so the server still reads and discards.
    let mut second = server.greet();
    second.send(WHO_AM_I);
    assert_eq!(second.frame().unwrap().0, 0x83);
    drop(first);
}

#[test]
fn many_requests_may_be_sent_while_their_replies_are_read() {
    let server = Server::start(&[]);
    let mut peer = server.greet();
    let bodies: Vec<Vec<u8>> = (0..20_000_u32)
        .map(|at| at.to_be_bytes().repeat(1 + at as usize % 300))
        .collect();
    let requests: Vec<u8> = bodies.iter().flat_map(|body| echo(body)).collect();
    let mut writer = Peer::new(peer.stream().try_clone().unwrap());
    thread::scope(|scope| {
        scope.spawn(|| writer.send(&requests));
        for body in &bodies {
            peer.expect(&echoed(body));
        }
    });
}

#[test]
fn stats_count_clients_requests_and_time() {
    let server = Server::start(&["--max-clients", "2"]);
    let mut first = server.greet();
    // Whole frames count, also those that are no request.
    first.send(&[say("a"), frame(0x42, b""), frame(1, b"\xff")].concat());
    first.expect(ACCEPTED);
    first.expect_error(3);
    first.expect_error(4);
    let mut second = server.greet();
    second.send(STATS);
    let (now, ever, requests, uptime) = stats(&mut second);
    assert_eq!((now, ever, requests), (2, 2, 4), "the asker is one of them");

    let mut refused = server.connect();
    refused.expect_error(5);
    refused.expect_end();
    drop(refused);
    second.send(STATS);
    let (now, ever, requests, later) = stats(&mut second);
    assert_eq!(
        (now, ever, requests),
        (2, 2, 5),
        "who was turned away is not"
    );
    assert!(later >= uptime);
}

/// Reads the answer to `Stats`: connections now and ever, requests, uptime.
#[track_caller]
pub fn stats(peer: &mut Peer) -> (u32, u64, u64, u64) {
    let (kind, body) = peer.frame().expect("an answer");
    assert_eq!((kind, body.len()), (0x84, 28), "{body:02x?}");
    let (now, counters) = body.split_first_chunk().unwrap();
    let counter = |at: usize| u64::from_be_bytes(counters[8 * at..][..8].try_into().unwrap());
    (u32::from_be_bytes(*now), counter(0), counter(1), counter(2))
}
