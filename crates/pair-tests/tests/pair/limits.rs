//! The promises about limits: how many clients, how large a frame.

use super::eventually;
use super::peer::{ACCEPTED, CLOSE, CLOSED, PREAMBLE, Peer, STATS, echo, echoed, say};
use super::server::{Server, Start};
use super::wire::stats;
use crate::transport::reset;

#[test]
fn a_full_house_is_told_so() {
    for workers in ["1", "3"] {
        let server = Server::start(&["--max-clients", "3", "--workers", workers]);
        let mut inside: Vec<Peer> = (0..3).map(|_| served(&server)).collect();
        for _ in 0..5 {
            // Before anything is read.
            let mut refused = server.connect();
            let text = refused.expect_error(5);
            assert!(text.contains('3'), "{text}");
            refused.expect_end();
        }
        for peer in &mut inside {
            peer.send(&say("hello"));
            peer.expect(ACCEPTED);
        }
    }
}

#[test]
fn slots_come_back_however_a_client_leaves() {
    let server = Server::start(&["--max-clients", "1", "--frame-timeout", "200ms"]);
    type Leave = fn(Peer);
    let leave: [(&str, Leave); 8] = [
        ("closing", drop),
        ("a reset", reset),
        ("a half-close", |mut peer| {
            peer.half_close();
            peer.expect_end();
        }),
        ("Close", |mut peer| {
            peer.send(CLOSE);
            peer.expect(CLOSED);
        }),
        ("closing inside a frame", |mut peer| {
            peer.send(&say("hello")[..7]);
        }),
        ("a reset inside a frame", |mut peer| {
            peer.send(&say("hello")[..7]);
            reset(peer);
        }),
        ("an error that closes", |mut peer| {
            peer.send(b"\0\0\0\0");
            peer.expect_error(3);
        }),
        ("being too slow", |mut peer| {
            peer.send(&say("hello")[..7]);
            peer.expect_error(6);
        }),
    ];
    for (how, leave) in leave {
        leave(eventually_served(&server, how));
    }
    eventually_served(&server, "the last");
}

#[test]
fn who_has_read_the_last_reply_finds_the_slot_free() {
    // Whichever worker is quicker: the one that answers, or the one that accepts.
    let server = Server::start(&["--max-clients", "1", "--workers", "4"]);
    for _ in 0..1000 {
        let mut peer = server.greet();
        peer.send(CLOSE);
        assert_eq!(peer.frame().map(|(kind, _)| kind), Some(0x85), "Closed");
    }
}

#[test]
fn a_slot_comes_back_from_a_client_that_never_said_a_word() {
    let server = Server::start(&["--max-clients", "1"]);
    drop(server.connect());
    eventually_served(&server, "silence");
}

#[test]
fn a_frame_is_bounded() {
    let server = Server::start(&["--max-frame", "64KiB"]);
    let mut peer = server.greet();
    let largest = vec![7; 65_535];
    peer.send(&echo(&largest));
    peer.expect(&echoed(&largest));
    // The four bytes of its length are enough.
    peer.send(&65_537_u32.to_be_bytes());
    let text = peer.expect_error(2);
    assert!(text.contains("65536"), "{text}");
    peer.expect_end();
}

#[test]
fn four_gigabyte_lengths_cost_no_memory() {
    let server = Start::new(&[]).after(LITTLE_MEMORY).run();
    for length in [u32::MAX, 1 << 31, (1 << 31) - 1, 262_145] {
        let mut peer = server.greet();
        peer.send(&length.to_be_bytes());
        peer.expect_error(2);
        peer.expect_end();
    }
    served(&server);
}

#[test]
fn memory_for_a_body_grows_only_as_its_bytes_arrive() {
    let server = Start::new(&["--max-frame", "3GiB"])
        .after(LITTLE_MEMORY)
        .run();
    let declare = |_| {
        let mut peer = server.greet();
        peer.send(&(3_u32 << 30).to_be_bytes());
        peer.send(b"\x02 a few bytes of three gigabytes");
        peer
    };
    let waiting: Vec<Peer> = (0..50).map(declare).collect();
    served(&server);
    drop(waiting);
}

/// In KiB: enough for the program and its threads, too little for a body of a gigabyte.
const LITTLE_MEMORY: &str = "ulimit -v 600000";

#[test]
fn zero_is_refused_but_as_an_idle_timeout() {
    for option in [
        "--max-clients",
        "--max-frame",
        "--frame-timeout",
        "--reply-timeout",
        "--drain-timeout",
        "--workers",
    ] {
        let told = Start::new(&[option, "0"]).refused();
        assert!(told.contains(option), "{told}");
    }
    served(&Server::start(&["--idle-timeout", "0"]));
}

/// A client that the server certainly serves.
#[track_caller]
pub fn served(server: &Server) -> Peer {
    let mut peer = server.greet();
    peer.send(STATS);
    stats(&mut peer);
    peer
}

/// The same, as soon as the server has noticed that the one before is gone.
#[track_caller]
fn eventually_served(server: &Server, what: &str) -> Peer {
    eventually(&format!("served after {what}"), || {
        let mut peer = server.connect();
        // It may be refused and gone before this is sent.
        let _ = peer.try_send(&[PREAMBLE, STATS].concat());
        let (kind, _) = peer.frame().expect("an answer");
        (kind == 0x84).then_some(peer)
    })
}
