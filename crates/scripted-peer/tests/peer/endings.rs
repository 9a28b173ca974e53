//! End of stream, reset, refusal and silence are four different things, over both transports.

use std::time::Duration;

use crate::common::{each, tcp, unix, verdict};
use scripted_peer::{Ending, Listener, Peer, Received};

const SOON: Duration = Duration::from_millis(300);

#[test]
fn a_close_is_an_end_and_nothing_else() {
    for server in each("greets") {
        let mut peer = server.connect();
        peer.expect("hello");
        peer.expect_end();
        assert_eq!(peer.receive(), Received::Ended(Ending::End));
        peer.expect_gone();
    }
    let reset = |mut peer: Peer| {
        peer.expect("hello");
        peer.expect_reset();
    };
    assert!(
        judged("greets", reset)
            .unwrap()
            .contains("got        end of stream")
    );
}

#[test]
fn a_close_with_unread_input_is_a_reset_and_nothing_else() {
    for server in each("closes-with-unread") {
        let mut peer = server.connect();
        peer.send("unread").expect_reset();
        assert_eq!(peer.receive(), Received::Ended(Ending::Reset));
        peer.expect_gone();
    }
    let end = |mut peer: Peer| drop(peer.send("unread").expect_end());
    assert!(
        judged("closes-with-unread", end)
            .unwrap()
            .contains("got        a reset")
    );
}

#[test]
fn silence_is_no_ending() {
    for server in each("waits") {
        let mut peer = server.connect();
        peer.patience(SOON);
        peer.expect_nothing_for(SOON);
        assert_eq!(peer.receive(), Received::Ended(Ending::Silence));
    }
    for expect in [Peer::expect_end, Peer::expect_reset, Peer::expect_gone] {
        let silent = move |mut peer: Peer| drop(expect(peer.patience(SOON)));
        assert!(
            judged("waits", silent)
                .unwrap()
                .contains("got        silence for 300ms")
        );
    }
}

#[test]
fn a_refusal_is_no_silence() {
    for door in [Listener::refusing(), Listener::refusing_on_path()] {
        Peer::expect_refused(door.address());
    }
    let text = verdict(|| drop(Peer::connect(Listener::refusing().address()))).unwrap();
    assert!(
        text.contains("a refusal: nothing is listening there"),
        "{text}"
    );
}

#[test]
fn a_full_queue_is_silence_and_no_refusal() {
    let text = verdict(|| {
        let door = Listener::on_path_with_backlog(0);
        let crowd = door.crowd(1);
        scripted_peer::deadline(SOON);
        Peer::expect_refused(door.address());
        drop(crowd);
    });
    assert!(
        text.unwrap()
            .contains("got        silence: the connection was not established in time")
    );
}

#[test]
fn a_path_that_is_not_there_is_named_as_such() {
    let missing = scripted_peer::Address::Unix(scripted_peer::folder().join("nothing"));
    let text = verdict(move || drop(Peer::connect(&missing))).unwrap();
    assert!(text.contains("No such file"), "{text}");
}

#[test]
fn a_reset_that_a_write_was_told_of_stays_a_reset() {
    for server in each("closes-with-unread") {
        let mut peer = server.connect();
        peer.send("unread");
        // Whichever of these meets the reset first, it is the only one that the kernel tells.
        for _ in 0..20 {
            peer.pause(Duration::from_millis(5)).send("more");
        }
        peer.expect_reset();
    }
}

#[test]
fn what_was_sent_before_an_end_comes_before_it() {
    for server in each("greets") {
        let mut peer = server.connect();
        assert_eq!(peer.next_bytes(5).as_deref(), Some(&b"hello"[..]));
        assert_eq!(peer.next_bytes(5), None);
    }
}

#[test]
fn our_end_is_seen_as_an_end_and_our_reset_as_a_reset() {
    for server in each("tells-ending") {
        server.connect().send("12").half_close();
        server.prints("end after 2 bytes\n");
        server.connect().close();
        server.prints("end after 0 bytes\n");
    }
    let server = tcp("tells-ending");
    server.connect().reset();
    server.prints("ConnectionReset");
    let server = unix("greets-and-tells-ending");
    server.connect().reset();
    server.prints("ConnectionReset");
}

/// The verdict of a check over TCP against this behavior.
fn judged(behavior: &'static str, check: impl FnOnce(Peer) + Send + 'static) -> Option<String> {
    verdict(move || {
        let server = tcp(behavior);
        check(server.connect());
    })
}
