//! Descriptors that are sent along end a read, are closed, and cost no frame.
//!
//! The server is stopped meanwhile, so that all of it lies in the socket when it goes on, and each
//! read ends where a descriptor was sent.

use crate::pair::limits::served;
use crate::pair::peer::{ACCEPTED, PREAMBLE, Peer, say};
use crate::pair::server::Server;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use scripted_peer::{Signal, needs};
use std::io::{IoSlice, stdin};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

/// Sends bytes and a descriptor along with them.
fn send_along(peer: &Peer, bytes: &[u8]) {
    let stdin = stdin();
    let descriptors = [stdin.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut along = SendAncillaryBuffer::new(&mut space);
    assert!(along.push(SendAncillaryMessage::ScmRights(&descriptors)));
    let parts = [IoSlice::new(bytes)];
    let sent = sendmsg(peer.stream(), &parts, &mut along, SendFlags::empty()).unwrap();
    assert_eq!(sent, bytes.len());
}

#[test]
fn a_frame_behind_descriptors_is_answered_and_they_are_closed() {
    let server = Server::start(&["--idle-timeout", "0"]);
    let mut peer = served(&server);
    let known = needs::linux();
    let next = || known.then(|| server.next_descriptor());
    let before = next();
    for behind_each_other in [1, 2, 20] {
        server.signal(Signal::STOP);
        peer.send(&say("before"));
        for _ in 0..behind_each_other {
            send_along(&peer, &say("with it"));
        }
        peer.send(&say("behind"));
        server.signal(Signal::CONT);
        peer.expect(&ACCEPTED.repeat(behind_each_other + 2));
    }
    assert_eq!(before, next(), "a descriptor was kept");
}

#[test]
fn a_frame_behind_a_preamble_with_a_descriptor_is_answered() {
    let server = Server::start(&["--idle-timeout", "0"]);
    for at in 1..=PREAMBLE.len() {
        server.signal(Signal::STOP);
        let mut peer = server.connect();
        send_along(&peer, &PREAMBLE[..at]);
        peer.send(&PREAMBLE[at..]);
        peer.send(&say("hello"));
        server.signal(Signal::CONT);
        peer.expect(ACCEPTED);
    }
}

/// Half a frame behind this many reads: the error that it gets is told, whichever read finds it.
fn half_a_frame_behind(reads: usize, end: impl Fn(&Server, &mut Peer), code: u16) {
    let server = Server::start(&[]);
    let mut peer = served(&server);
    server.signal(Signal::STOP);
    for _ in 1..reads {
        send_along(&peer, &say("whole"));
    }
    send_along(&peer, &[&say("whole"), &say("half")[..6]].concat());
    end(&server, &mut peer);
    server.signal(Signal::CONT);
    peer.expect(&ACCEPTED.repeat(reads));
    peer.expect_error(code);
    peer.expect_end();
}

#[test]
fn an_end_inside_a_frame_is_told_however_many_reads_came_before() {
    for reads in [1, 2, 6, 7, 8, 9, 15, 16] {
        half_a_frame_behind(reads, |_, peer| peer.half_close(), 3);
    }
}

#[test]
fn half_a_frame_gets_draining_however_many_reads_came_before() {
    for reads in [1, 2, 6, 7, 8, 9, 15, 16] {
        half_a_frame_behind(reads, |server, _| server.signal(Signal::TERM), 7);
    }
}
