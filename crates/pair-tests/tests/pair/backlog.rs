//! The promise about clients that nobody has accepted: those that wait in the backlog when a drain
//! begins, and those that come after.
//!
//! The book's widget about the drain (`docs/widgets/the-drain.js`) tells what is held here and in
//! `drain.rs`.

use super::crowd::allow_no_more_descriptors;
use super::deadlines::ask_for_much;
use super::limits::served;
use super::peer::{PREAMBLE, say};
use super::server::Server;
use crate::transport::{GONE, connect};
use scripted_peer::{Signal, needs};
use std::io::{ErrorKind, Read};

#[test]
fn clients_in_the_backlog_are_reset_when_a_drain_begins_and_later_ones_refused() {
    if !needs::linux() {
        return;
    }
    let server = Server::start(&["--drain-timeout", "1m"]);
    let mut slow = served(&server);
    ask_for_much(&mut slow);
    allow_no_more_descriptors(&server);
    let mut waiting = server.connect();
    waiting.send(&[PREAMBLE, &say("hello")].concat());
    server.logs("cannot accept");

    server.signal(Signal::TERM);
    let reset = waiting.stream().read(&mut [0; 1]).unwrap_err();
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset, "{reset}");
    let refused = connect(&server.address).unwrap_err();
    assert_eq!(refused.kind(), GONE, "{refused}");

    slow.drain();
    drop(slow);
    server.exits_with(0);
}
