//! The promises about time: frames, replies, idle clients.

use super::limits::served;
use super::peer::{ACCEPTED, PREAMBLE, Peer, echo, echoed, say};
use super::server::Server;
use scripted_peer::needs;
use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

/// A deadline that must pass, and when the server must have noticed, also on a busy machine.
const LIMIT: Duration = Duration::from_millis(400);
const AS_ARGUMENT: &str = "400ms";
const NOTICED: Duration = Duration::from_secs(4);

/// Sends one byte now and then, until the server has had enough; returns how long that took.
#[track_caller]
fn drip(peer: &mut Peer, bytes: &[u8], started: Instant) -> Duration {
    for byte in bytes {
        if peer.try_send(&[*byte]).is_err() || started.elapsed() > NOTICED {
            break;
        }
        thread::park_timeout(LIMIT / 8);
        if peer.has_something_to_read() {
            break;
        }
    }
    peer.expect_error(6);
    started.elapsed()
}

#[test]
fn a_frame_arrives_whole_within_its_deadline() {
    let server = Server::start(&["--frame-timeout", AS_ARGUMENT]);
    let mut peer = server.greet();
    peer.send(&say("before"));
    peer.expect(ACCEPTED);
    let started = Instant::now();
    peer.send(&say("hello")[..8]);
    peer.expect_error(6);
    peer.expect_end();
    assert!(
        (LIMIT..NOTICED).contains(&started.elapsed()),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_drip_cannot_stretch_the_deadline_of_a_frame() {
    let server = Server::start(&["--frame-timeout", AS_ARGUMENT]);
    let mut peer = server.greet();
    let took = drip(&mut peer, &echo(&[0; 1000]), Instant::now());
    assert!((LIMIT..NOTICED).contains(&took), "{took:?}");
}

#[test]
fn the_deadline_of_the_preamble_counts_from_accept() {
    let server = Server::start(&["--frame-timeout", AS_ARGUMENT]);
    for come in 0..PREAMBLE.len() {
        let started = Instant::now();
        let mut peer = server.connect();
        peer.send(&PREAMBLE[..come]);
        peer.expect_error(6);
        peer.expect_end();
        assert!(
            (LIMIT..NOTICED).contains(&started.elapsed()),
            "{:?}",
            started.elapsed()
        );
    }
}

#[test]
fn a_drip_cannot_stretch_the_deadline_of_the_preamble() {
    let limit = Duration::from_secs(2);
    let server = Server::start(&["--frame-timeout", "2s"]);
    let started = Instant::now();
    let mut peer = server.connect();
    for byte in &PREAMBLE[..3] {
        // If each byte were given the whole time again, this would take 5 s.
        peer.send(&[*byte]);
        thread::park_timeout(limit * 3 / 4);
        if peer.has_something_to_read() {
            break;
        }
    }
    peer.expect_error(6);
    let took = started.elapsed();
    assert!((limit..limit * 9 / 4).contains(&took), "{took:?}");
}

#[test]
fn a_slow_but_honest_client_is_served() {
    let server = Server::start(&["--frame-timeout", "20s"]);
    let mut peer = server.connect();
    for byte in [PREAMBLE, &say("hello")].concat() {
        peer.send(&[byte]);
        thread::park_timeout(Duration::from_millis(5));
    }
    peer.expect(ACCEPTED);
}

#[test]
fn two_hundred_dripping_clients_are_cut_off_and_disturb_nobody() {
    let server = Server::start(&["--frame-timeout", AS_ARGUMENT]);
    let mut dripping: Vec<Peer> = (0..200).map(|_| server.greet()).collect();
    let mut honest = served(&server);
    let started = Instant::now();
    let whole = echo(&[0; 1000]);
    // As long as the first of them is welcome, all of them drip.
    for byte in &whole {
        for peer in &mut dripping {
            let _ = peer.try_send(&[*byte]);
        }
        honest.send(&say("hello"));
        honest.expect(ACCEPTED);
        if dripping[0].has_something_to_read() {
            break;
        }
        thread::park_timeout(LIMIT / 20);
    }
    for peer in &mut dripping {
        peer.expect_error(6);
    }
    assert!(
        (LIMIT..2 * NOTICED).contains(&started.elapsed()),
        "{:?}",
        started.elapsed()
    );
}

/// Requests whose replies no socket takes unread.
pub fn ask_for_much(peer: &mut Peer) {
    let request = echo(&[7; 200_000]);
    let _ = peer
        .stream()
        .set_write_timeout(Some(Duration::from_millis(100)));
    // The server stops reading while replies wait: this fails when every buffer is full.
    while peer.try_send(&request).is_ok() {}
}

#[test]
fn replies_are_taken_within_their_deadline() {
    let server = Server::start(&["--reply-timeout", AS_ARGUMENT]);
    let mut peer = server.greet();
    let started = Instant::now();
    ask_for_much(&mut peer);
    server.logs("not read within");
    assert!(
        (LIMIT..2 * NOTICED).contains(&started.elapsed()),
        "{:?}",
        started.elapsed()
    );
    // No error can be put inside a reply: what came is the start of replies, and then the end.
    let came = peer.drain();
    let reply = echoed(&[7; 200_000]);
    let expected: Vec<u8> = reply.iter().copied().cycle().take(came.len()).collect();
    assert!(came == expected, "replies and nothing else");
}

#[test]
fn a_trickling_reader_cannot_stretch_the_deadline_of_replies() {
    let server = Server::start(&["--reply-timeout", AS_ARGUMENT, "--max-frame", "64MiB"]);
    let mut peer = server.greet();
    // One reply that it would take longer to read than the test lasts.
    peer.send(&echo(&vec![7; 40_000_000]));
    let started = Instant::now();
    let mut some = [0; 50_000];
    let mut trickle = peer.stream();
    while !server.log().contains("not read within") {
        assert!(started.elapsed() < 2 * NOTICED, "it is still being served");
        // Some of it each time, so that the server writes again and again.
        let _ = trickle.read(&mut some);
        thread::park_timeout(LIMIT / 20);
    }
}

#[test]
fn the_memory_of_a_client_that_never_reads_stays_bounded() {
    if !needs::linux() {
        return;
    }
    let server = Server::start(&["--reply-timeout", "1h"]);
    served(&server);
    let before = server.figures().memory_kib;
    let greedy: Vec<Peer> = (0..8)
        .map(|_| {
            let mut peer = server.greet();
            ask_for_much(&mut peer);
            peer
        })
        .collect();
    served(&server);
    let grown = server.figures().memory_kib.saturating_sub(before);
    // The replies to one read and what came behind them, for each, not all that was asked.
    assert!(grown < 16 * 1024, "{grown} KiB");
    drop(greedy);
}

#[test]
fn an_idle_client_sees_the_end_of_the_stream_without_an_error() {
    let server = Server::start(&["--idle-timeout", AS_ARGUMENT]);
    let started = Instant::now();
    let mut peer = server.greet();
    peer.expect_end();
    assert!(
        (LIMIT..NOTICED).contains(&started.elapsed()),
        "{:?}",
        started.elapsed()
    );

    let mut peer = server.greet();
    peer.send(&say("hello"));
    peer.expect(ACCEPTED);
    peer.expect_end();
}

#[test]
fn a_client_that_says_something_is_not_idle() {
    let server = Server::start(&["--idle-timeout", "2s"]);
    let mut peer = server.greet();
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(2500) {
        peer.send(&say("hello"));
        peer.expect(ACCEPTED);
        thread::park_timeout(Duration::from_millis(100));
    }
}

#[test]
fn an_idle_timeout_of_zero_is_never() {
    let server = Server::start(&["--idle-timeout", "0", "--frame-timeout", AS_ARGUMENT]);
    let mut idle = served(&server);
    for _ in 0..2 {
        // Lets a deadline pass in the meantime.
        let mut slow = server.connect();
        slow.expect_error(6);
    }
    idle.send(&say("hello"));
    idle.expect(ACCEPTED);
}
