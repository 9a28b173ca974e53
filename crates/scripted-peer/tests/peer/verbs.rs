//! What a peer can do to a program, and what it may expect of one, over both transports.

use std::time::{Duration, Instant};

use crate::common::{each, tcp, unix, verdict};
use scripted_peer::{Ending, Listener, Received, eventually, frame, line, needs, program};

const SOON: Duration = Duration::from_millis(300);

#[test]
fn what_is_sent_and_expected_passes_through() {
    for server in each("frames") {
        let mut peer = server.connect();
        peer.send(frame("one")).expect(frame("one"));
        peer.coalesce([frame("two"), frame(""), frame("three")]);
        peer.expect(frame("two"));
        assert_eq!(peer.next_frame().as_deref(), Some(&b""[..]));
        assert_eq!(peer.next_frame().as_deref(), Some(&b"three"[..]));
        peer.half_close();
        assert_eq!(peer.next_frame(), None);
        peer.expect_end();
    }
}

#[test]
fn a_drip_in_pieces_gives_each_piece_to_a_read_of_its_own() {
    for server in each("one-read-in-all") {
        let mut peer = server.connect();
        peer.drip_pieces(b"aaaabbbbccccdd", 4);
        // The last piece is below what this program takes for a message: it hangs up on it.
        peer.expect("aaaabbbbcccc");
        peer.expect_end();
    }
}

#[test]
fn a_drip_from_a_server_comes_byte_by_byte_too() {
    for listener in [Listener::tcp(), Listener::on_path()] {
        let mut here = listener.crowd(1).remove(0);
        let mut there = listener.accept();
        let sizes = std::thread::spawn(move || {
            let size = |received| match received {
                Received::Bytes(bytes) => Some(bytes.len()),
                Received::Ended(_) => None,
            };
            std::iter::from_fn(|| size(here.receive())).collect::<Vec<_>>()
        });
        there.drip("hello").half_close();
        assert_eq!(sizes.join().ok().unwrap(), [1; 5]);
    }
}

#[test]
fn what_was_read_is_not_joined_with_what_is_sent_next() {
    for server in each("one-read-in-all") {
        let mut peer = server.connect();
        peer.send("first")
            .wait_until_read()
            .send("no")
            .wait_until_read();
        peer.expect("first");
        peer.expect_end();
    }
}

#[test]
fn a_slow_drip_stops_when_the_program_hangs_up() {
    for server in each("greets") {
        let start = Instant::now();
        let mut peer = server.connect();
        peer.drip_every(Duration::from_millis(20), [b'x'; 3000]);
        assert!(start.elapsed() < Duration::from_secs(20));
        peer.expect("hello");
        peer.expect_gone();
    }
}

#[test]
fn much_goes_both_ways_without_a_deadlock() {
    for server in each("bytes") {
        let much = vec![b'.'; 16 << 20];
        server.connect().send(&much).expect(&much);
    }
}

#[test]
fn a_flood_ends_where_the_program_takes_no_more() {
    for server in each("never-reads") {
        let mut peer = server.connect();
        let taken = peer.flood([b'x'; 4096], 1 << 30);
        assert!((4096..256 << 20).contains(&taken), "{taken}");
    }
    assert_eq!(
        tcp("tells-ending").connect().flood([b'x'; 1000], 5000),
        5000
    );
}

#[test]
fn what_a_program_holds_of_a_client_is_known_to_the_kernel() {
    if !needs::linux() {
        return;
    }
    let server = tcp("bytes"); // echoes what a read brings before the next one
    let mut peer = server.connect();
    peer.send("hello").expect("hello");
    assert_eq!(peer.held(), Some(0));
    peer.flood([b'x'; 4096], 64 << 20);
    assert!(peer.held().unwrap() < 1 << 20, "{:?}", peer.held());
    let reader = tcp("tells-ending");
    let mut silent = reader.connect();
    silent.send("read, and not answered").wait_until_read();
    assert_eq!(silent.held(), Some(22));
    let unix = unix("bytes");
    assert_eq!(unix.connect().held(), None, "nobody counts there");
}

#[test]
fn garbage_is_no_text_and_a_huge_length() {
    let listener = Listener::tcp();
    let (mut here, mut there) = (listener.crowd(1).remove(0), listener.accept());
    here.garbage().half_close();
    let garbage = there.next_bytes(64).unwrap();
    assert!(std::str::from_utf8(&garbage).is_err());
    assert!(garbage.starts_with(&[0xff, 0xfe]));
    there.expect_end();
}

#[test]
fn a_stalled_reader_fills_the_way_and_still_gets_everything() {
    for server in each("floods-client") {
        let mut peer = server.connect();
        peer.stall_reading();
        if cfg!(target_os = "linux") {
            server.expect_idle();
        }
        peer.expect(vec![b'x'; 1 << 20]);
    }
}

#[test]
fn a_trickling_reader_takes_little() {
    for server in each("floods-client") {
        let gap = Duration::from_millis(10);
        let (taken, kept) = server.connect().trickle(10, gap, SOON);
        assert!((10..=600).contains(&taken), "{taken}");
        assert!(kept >= gap, "{kept:?}");
    }
}

#[test]
fn one_write_comes_in_one_read() {
    for server in each("frames") {
        let mut peer = server.connect();
        peer.send(frame("hello"));
        peer.expect_in_one_read(frame("hello"));
    }
}

#[test]
fn nothing_is_told_from_something() {
    for server in each("frames") {
        let mut peer = server.connect();
        peer.drip(&frame("hello")[..6]).expect_nothing_yet();
        peer.expect_nothing_for(Duration::from_millis(50));
        peer.send(&frame("hello")[6..]).expect(frame("hello"));
    }
}

#[test]
fn a_peer_plays_the_server_too() {
    for listener in [Listener::tcp(), Listener::on_path()] {
        let mut here = listener.crowd(1).remove(0);
        let mut there = listener.accept();
        here.send("a\nb\nc\n").half_close();
        let lines = there.answer_lines(|text| line(text.to_uppercase())).now();
        assert_eq!(lines, 3);
        here.expect("A\nB\nC\n");
    }
}

#[test]
fn a_server_in_the_background_serves_everyone() {
    let serving = Listener::tcp().serve(|mut peer| {
        while let Some(text) = peer.next_line() {
            peer.send(line(text));
        }
    });
    let (mut one, mut two) = (
        scripted_peer::Peer::connect(serving.address()),
        scripted_peer::Peer::connect(serving.address()),
    );
    two.send("two\n").expect("two\n");
    one.send("one\n").expect("one\n");
    one.half_close();
    two.half_close();
    serving.finish();
}

#[test]
fn a_program_that_is_still_served_is_not_late() {
    let patience = Duration::from_millis(300);
    let serving = Listener::tcp().serve(|mut peer| {
        while let Received::Bytes(bytes) = peer.receive() {
            peer.pause(Duration::from_millis(100)).send(bytes);
        }
    });
    let client = program!().arg("asks").patience(patience);
    client.connect_to(serving.address()).exits_with(0).now();
    // One that waits for an answer in vain is late all the same.
    let text = verdict(move || {
        let serving = Listener::tcp().serve(|mut peer| {
            peer.expect("x").now();
            peer.pause(Duration::from_secs(1));
        });
        let client = program!().arg("asks").patience(patience);
        client.connect_to(serving.address()).exits_with(0).now();
    });
    assert!(text.unwrap().contains("it was still running after 300ms"));
}

#[test]
fn a_bad_verdict_in_the_background_ends_the_test() {
    let text = verdict(|| {
        let serving = Listener::tcp().serve(|mut peer| drop(peer.expect("ping")));
        let mut peer = scripted_peer::Peer::connect(serving.address());
        peer.send("pong");
        serving.finish();
    });
    assert!(text.unwrap().contains("expected   \"ping\""));
}

#[test]
fn a_client_waits_behind_a_crowd() {
    let listener = Listener::on_path_with_backlog(0);
    let crowd = listener.crowd(1);
    let address = listener.address().clone();
    let (connected, news) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(scripted_peer::Peer::connect(&address));
        connected.send(()).unwrap();
    });
    if cfg!(target_os = "linux") {
        assert!(news.recv_timeout(SOON).is_err(), "the queue was full");
    }
    drop((listener.accept(), crowd));
    news.recv().unwrap();
}

#[test]
fn a_stopped_program_stands_still() {
    if !needs::linux() {
        return;
    }
    let server = tcp("waits");
    let stat = format!("/proc/{}/stat", server.pid());
    for _ in 0..200 {
        server.signal(scripted_peer::Signal::STOP);
        let stat = std::fs::read_to_string(&stat).unwrap();
        assert!(stat.contains(") T "), "{stat}");
        server.signal(scripted_peer::Signal::CONT);
    }
}

#[test]
fn a_peer_that_was_gone_before_accept_is_possible() {
    let server = tcp("greets");
    server.signal(scripted_peer::Signal::STOP);
    server.connect().reset();
    server.signal(scripted_peer::Signal::CONT);
    server.connect().expect("hello");
}

#[test]
fn five_hundred_connections_are_no_trouble() {
    let server = tcp("waits");
    assert_eq!(server.connect_many(500).len(), 500);
}

#[test]
fn a_program_runs_as_another_user() {
    if !needs::root() {
        return;
    }
    let server = program!().as_user(65534).arg("greets").listen_on_path();
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let users = status.lines().find(|line| line.starts_with("Uid:"));
    // The real one, the effective one, the saved one, and the one for files: proc_pid_status(5).
    assert_eq!(users, Some("Uid:\t0\t65534\t65534\t65534"));
    server.connect().expect("hello");
}

#[test]
fn another_user_is_another_user() {
    if !needs::root() {
        return;
    }
    let server = unix("greets");
    // The umask has left this socket to its owner alone.
    let text = verdict(move || drop(server.connect_as(65534))).unwrap();
    assert!(text.contains("Permission denied"), "{text}");
    let listener = program!().umask(0).arg("greets").listen_on_path();
    listener.connect_as(65534).now().expect("hello");
}

#[test]
fn what_takes_a_moment_happens_eventually() {
    let start = Instant::now();
    eventually("a moment to pass", || {
        start.elapsed() > Duration::from_millis(50)
    });
}

#[test]
fn silence_ends_when_patience_does() {
    let server = tcp("waits");
    let start = Instant::now();
    assert_eq!(
        server.connect().patience(SOON).receive(),
        Received::Ended(Ending::Silence)
    );
    assert!(start.elapsed() >= SOON && start.elapsed() < Duration::from_secs(3));
}
