//! The drip proves what it is for: a program that takes one read for one message is caught every
//! time, and a right one never.

mod common;

use common::{each, verdict};
use scripted_peer::frame;

const ROUNDS: usize = 100;

/// Whether the program of this behavior gets through one drip.
fn passes(behavior: &'static str, unix: bool) -> bool {
    let check = move || {
        let [tcp, path] = each(behavior);
        let mut peer = if unix { path.connect() } else { tcp.connect() };
        peer.drip(frame("hello"));
        peer.expect(frame("hello"));
    };
    verdict(check).is_none()
}

#[test]
fn one_read_for_one_message_is_caught_every_time_over_tcp() {
    let caught = (0..ROUNDS).filter(|_| !passes("one-read", false)).count();
    assert_eq!(caught, ROUNDS);
}

#[test]
fn one_read_for_one_message_is_caught_every_time_over_a_unix_socket() {
    let caught = (0..ROUNDS).filter(|_| !passes("one-read", true)).count();
    assert_eq!(caught, ROUNDS);
}

#[test]
fn a_right_program_is_never_accused_over_tcp() {
    let passed = (0..ROUNDS).filter(|_| passes("frames", false)).count();
    assert_eq!(passed, ROUNDS);
}

#[test]
fn a_right_program_is_never_accused_over_a_unix_socket() {
    let passed = (0..ROUNDS).filter(|_| passes("frames", true)).count();
    assert_eq!(passed, ROUNDS);
}
