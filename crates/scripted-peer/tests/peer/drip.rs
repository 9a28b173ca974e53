//! The drip proves what it is for: a program that takes one read for one message is caught every
//! time, and a right one never.

use crate::common::{tcp, unix, verdict};
use scripted_peer::{Running, frame};

const ROUNDS: usize = 100;

/// Whether the program gets through one drip.
fn passes(program: impl FnOnce() -> Running + Send + 'static) -> bool {
    let check = move || {
        let server = program();
        let mut peer = server.connect();
        peer.drip(frame("hello"));
        peer.expect(frame("hello"));
    };
    verdict(check).is_none()
}

#[test]
fn one_read_for_one_message_is_caught_every_time_over_tcp() {
    let caught = (0..ROUNDS).filter(|_| !passes(|| tcp("one-read"))).count();
    assert_eq!(caught, ROUNDS);
}

#[test]
fn one_read_for_one_message_is_caught_every_time_over_a_unix_socket() {
    let caught = (0..ROUNDS).filter(|_| !passes(|| unix("one-read"))).count();
    assert_eq!(caught, ROUNDS);
}

#[test]
fn a_right_program_is_never_accused_over_tcp() {
    let passed = (0..ROUNDS).filter(|_| passes(|| tcp("frames"))).count();
    assert_eq!(passed, ROUNDS);
}

#[test]
fn a_right_program_is_never_accused_over_a_unix_socket() {
    let passed = (0..ROUNDS).filter(|_| passes(|| unix("frames"))).count();
    assert_eq!(passed, ROUNDS);
}
