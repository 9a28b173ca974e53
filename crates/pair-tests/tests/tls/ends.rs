//! Every connection ends with close_notify, and one that doesn't is reported.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use scripted_peer::Signal;

use super::harness::Server;
use super::wire::{ACCEPTED, BUSY, CLOSE, CLOSED, DRAINING, MALFORMED, PREAMBLE, echo, say};

#[test]
fn every_end_of_the_servers_is_signed() {
    let server = Server::start(&["--max-clients", "2", "--idle-timeout", "500ms"]);

    let mut peer = server.served();
    peer.send(CLOSE);
    peer.expect(CLOSED);
    peer.expect_signed_end();

    let mut peer = server.served();
    peer.0.conn.send_close_notify();
    peer.0.flush().unwrap();
    peer.expect_signed_end();

    let mut peer = server.served();
    peer.send(b"\0\0\0\0");
    peer.expect_error(MALFORMED);
    peer.expect_signed_end();

    // Idle.
    server.served().expect_signed_end();
}

#[test]
fn a_full_house_is_told_so_inside_of_tls_and_signed() {
    let server = Server::start(&["--max-clients", "1"]);
    let mut inside = server.served();
    for _ in 0..5 {
        let mut refused = server.handshake();
        refused.expect_error(BUSY);
        refused.expect_signed_end();
    }
    inside.send(CLOSE);
    inside.expect(CLOSED);
    inside.expect_signed_end();
}

#[test]
fn a_drain_signs_what_it_ends() {
    let server = Server::start(&[]);
    let mut idle = server.served();
    let mut asking = server.served();
    let mut half = server.served();
    half.send(&say("hello")[..6]);
    asking.send(&[say("one"), say("two")].concat());
    // What was sent has come: these are answered by the same worker, in order.
    server.served();
    server.running.signal(Signal::TERM);
    idle.expect_signed_end();
    asking.expect(ACCEPTED);
    asking.expect(ACCEPTED);
    asking.expect_signed_end();
    half.expect_error(DRAINING);
    half.expect_signed_end();
    server.running.exits_with(0).now();
}

#[test]
fn a_cut_in_the_midst_of_replies_does_not_pass_for_an_end() {
    let server = Server::start(&["--drain-timeout", "300ms"]);
    let mut deaf = server.served();
    let timeout = Some(Duration::from_millis(100));
    deaf.0.sock.set_write_timeout(timeout).unwrap();
    let request = echo(&[b'x'; 200_000]);
    // Until replies wait in the server, which reads no more then.
    while deaf.0.write_all(&request).is_ok() {}
    server.running.signal(Signal::TERM);
    server.running.exits_with(3).now();
    let ends = deaf.0.read_to_end(&mut Vec::new());
    assert!(ends.is_err(), "{ends:?}");
}

#[test]
fn an_end_of_the_clients_without_close_notify_is_told_and_served_until_there() {
    let server = Server::start(&["--max-clients", "1"]);
    let mut peer = server.handshake();
    peer.send(&[PREAMBLE, &say("hello")].concat());
    peer.0.sock.shutdown(Shutdown::Write).unwrap();
    peer.expect(ACCEPTED);
    peer.expect_signed_end();
    server.running.log_line("without close_notify").now();
}
