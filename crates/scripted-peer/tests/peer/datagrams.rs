//! Peers that send and receive datagrams.

use std::time::Duration;

use crate::common::{unix, verdict};
use scripted_peer::{DatagramPeer, Ending, Signal, contains, folder, needs, program};

const SOON: Duration = Duration::from_millis(200);

#[test]
fn each_message_is_one_over_both_transports() {
    for server in [
        program!().arg("datagrams-plain").listen(),
        unix("datagrams-plain"),
    ] {
        let mut peer = server.datagram_peer();
        peer.send("one").send("").send("three");
        for _ in 0..3 {
            peer.expect("ok");
        }
        peer.expect_nothing_yet();
        peer.expect_nothing_for(Duration::from_millis(20));
    }
}

#[test]
fn who_has_no_name_is_not_answered() {
    let server = unix("datagrams-plain");
    let mut nobody = server.unnamed_datagram_peer();
    nobody.send("hello");
    server.prints("5 hello\n");
    nobody.expect_nothing_for(SOON);
    server.datagram_peer().send("x").expect("ok");
}

#[test]
fn silence_another_message_and_a_refusal_are_told_apart() {
    let told = |manner: &'static str| {
        let text = verdict(move || {
            let server = unix(&format!("datagrams-{manner}"));
            server
                .datagram_peer()
                .patience(SOON)
                .send("x")
                .expect("ok")
                .or_explain("Answer.", "");
        });
        text.unwrap()
    };
    let text = told("silent");
    assert!(
        text.contains("got        silence for 200ms") && text.contains("Answer."),
        "{text}"
    );
    let text = told("joined");
    assert!(text.contains("4 bytes more than expected"), "{text}");
    for listen in [
        || unix("datagrams-plain"),
        || program!().arg("datagrams-plain").listen(),
    ] {
        let server = listen();
        let mut peer = server.datagram_peer();
        server.signal(Signal::TERM).ends().now();
        assert_eq!(peer.send("x").receive(), Err(Ending::Refusal));
    }
}

#[test]
fn a_refusal_is_no_silence_in_a_verdict() {
    let text = verdict(|| {
        let server = unix("datagrams-stops-at-0");
        let mut peer = server.datagram_peer();
        peer.send("").send("after the end");
        server.ends().now();
        peer.send("x").expect("ok");
    });
    let text = text.unwrap();
    assert!(
        text.contains("got        a refusal: no socket has that name"),
        "{text}"
    );
    assert!(
        text.contains("an empty message") || text.contains("\"\""),
        "{text}"
    );
}

#[test]
fn a_full_queue_is_seen_from_both_sides() {
    let server = unix("datagrams-plain");
    let mut other = server.datagram_peer();
    let mut deaf = server.datagram_peer();
    server.signal(Signal::STOP);
    let taken = deaf.fill("x", 10_000);
    assert!((1..10_000).contains(&taken), "{taken}");
    let text = verdict({
        let path = server.path().to_owned();
        move || {
            // Nobody makes room.
            let mut late = DatagramPeer::on_path();
            late.patience(SOON);
            late.send_to(&path, "late");
        }
    });
    let text = text.unwrap();
    assert!(text.contains("its queue was full for 200ms"), "{text}");
    server.signal(Signal::CONT);
    other.send("y").expect("ok");
    if !needs::linux() {
        return;
    }
    // What it never reads fills its own queue. A program that waits for room there answers nobody, until
    // it reads.
    while deaf.fill("z", 1) > 0 {}
    deaf.patience(SOON);
    let answers = std::iter::from_fn(|| deaf.receive().ok()).count();
    assert!(answers > taken, "{answers} answers, {taken} in the queue");
    other.send("w").expect("ok");
}

#[test]
fn a_program_may_send_first() {
    let mut peer = DatagramPeer::on_path();
    let folder = folder();
    let sender = program!()
        .args([peer.address().to_string(), "sends-a-datagram".to_owned()])
        .arg(folder.join("sender").display())
        .start();
    peer.expect("from nobody");
    peer.expect("from somebody").now();
    peer.send("four");
    sender.exits_with(0).stdout(contains("4 bytes"));
}
