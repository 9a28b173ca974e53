//! What comes beside the bytes ends a read before everything is read, and loses no frame.
//!
//! The server is stopped meanwhile, so that all of it lies in the socket when it goes on.

use super::limits::served;
use super::peer::{ACCEPTED, CLOSE, CLOSED, PREAMBLE, Peer, echo, echoed, say};
use super::server::Server;
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use scripted_peer::{Signal, needs};

/// Sends an urgent byte; `false` where this kind of socket has none.
fn send_urgent(peer: &Peer) -> bool {
    match send(peer.stream(), b"!", SendFlags::OOB) {
        Ok(_) => true,
        Err(Errno::OPNOTSUPP) => {
            needs::skip("this system's sockets of this kind have no urgent data");
            false
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_frame_behind_an_urgent_byte_is_answered() {
    let server = Server::start(&["--idle-timeout", "0"]);
    let mut peer = served(&server);
    let request = echo(b"in two parts");
    for at in [0, 2, 7, request.len()] {
        server.signal(Signal::STOP);
        peer.send(&say("before"));
        peer.send(&request[..at]);
        if !send_urgent(&peer) {
            return;
        }
        peer.send(&request[at..]);
        peer.send(&say("behind"));
        server.signal(Signal::CONT);
        peer.expect(&[ACCEPTED, &echoed(b"in two parts"), ACCEPTED].concat());
    }
}

#[test]
fn urgent_bytes_alone_and_inside_a_preamble_cost_nothing() {
    let server = Server::start(&["--idle-timeout", "0"]);
    server.signal(Signal::STOP);
    let mut peer = server.connect();
    peer.send(&PREAMBLE[..2]);
    if !send_urgent(&peer) {
        server.signal(Signal::CONT);
        return;
    }
    peer.send(&PREAMBLE[2..]);
    peer.send(&say("hello"));
    server.signal(Signal::CONT);
    peer.expect(ACCEPTED);
    for _ in 0..20 {
        send_urgent(&peer);
        peer.send(&say("hello"));
        peer.expect(ACCEPTED);
    }
}

#[test]
fn what_waits_behind_an_urgent_byte_is_answered_by_a_drain() {
    let server = Server::start(&[]);
    let mut peer = served(&server);
    server.signal(Signal::STOP);
    peer.send(&say("before"));
    if send_urgent(&peer) {
        peer.send(&say("behind"));
        peer.send(&say("half")[..6]);
        server.signal(Signal::TERM);
        server.signal(Signal::CONT);
        peer.expect(&[ACCEPTED, ACCEPTED].concat());
        peer.expect_error(7);
        peer.expect_end();
        drop(peer);
        server.exits_with(0);
    }
}

#[test]
fn what_waits_behind_an_urgent_byte_is_answered_once_replies_are_taken() {
    let server = Server::start(&["--idle-timeout", "0"]);
    let mut peer = served(&server);
    let body = vec![7; 200_000];
    // It stops reading while these replies wait.
    let mut asked = 0;
    while asked < 30 {
        let mut writer = Peer::new(peer.stream().try_clone().unwrap());
        let request = echo(&body);
        let sending = std::thread::spawn(move || {
            writer.send(&request);
            writer.send(&say("before"));
            let urgent = send_urgent(&writer);
            writer.send(&say("behind"));
            urgent
        });
        peer.wait_until_something_came();
        peer.expect(&echoed(&body));
        peer.expect(&[ACCEPTED, ACCEPTED].concat());
        if !sending.join().unwrap() {
            return;
        }
        asked += 1;
    }
}

#[test]
fn a_lingering_connection_is_read_past_an_urgent_byte() {
    let server = Server::start(&[]);
    let mut peer = served(&server);
    server.signal(Signal::STOP);
    peer.send(CLOSE);
    if send_urgent(&peer) {
        peer.send(&say("nobody reads this"));
        peer.half_close();
        server.signal(Signal::CONT);
        peer.expect(CLOSED);
        peer.expect_end();
    }
}
