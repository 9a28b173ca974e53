//! The promises about a listener that a supervisor opened, and keeps: sd_listen_fds(3).

use super::deadlines::ask_for_much;
use super::eventually;
use super::limits::served;
use super::peer::{ACCEPTED, PREAMBLE, Peer, say};
use super::process::client;
use super::server::{Server, Start};
use crate::transport::{connect, inheritable, nobody, of_the_other_kind};
use scripted_peer::{Activation, DatagramPeer, Kind, Listener, Signal, needs};
use std::fs::File;

/// What a server is handed that inherits this listener.
pub fn handed_on(listener: &Listener) -> Activation {
    Activation::new().listener("door", listener)
}

/// Where a client finds it.
pub fn address_of(listener: &Listener) -> String {
    listener.address().to_string()
}

/// A client that has asked, and whom nobody has accepted yet.
fn asking(listener: &Listener) -> Peer {
    let mut peer = Peer::new(connect(&address_of(listener)).unwrap());
    peer.send(&[PREAMBLE, &say("hello")].concat());
    peer
}

/// Waits until the server has closed the listener, where that can be seen; others hold theirs.
fn its_copy_is_closed(server: &Server, listener: &Listener) {
    if needs::linux() {
        let inode = rustix::fs::fstat(listener).unwrap().st_ino;
        let name = format!("socket:[{inode}]");
        eventually("its copy is closed", || {
            let open = server.descriptors();
            (!open.iter().any(|one| one.name == name)).then_some(())
        });
    }
}

#[test]
fn it_serves_the_listener_that_it_inherited_blocking_or_not() {
    for is_blocking in [true, false] {
        let listener = inheritable();
        let mut early = asking(&listener);
        let activation = handed_on(&listener);
        let server = Start::new(&[]).activated(&match is_blocking {
            true => activation,
            false => activation.non_blocking(),
        });
        let server = server.run();
        assert_eq!(server.address, address_of(&listener));
        early.expect(ACCEPTED);
        // With a silent client inside, whom an accept that waits would wait beside.
        let silent = server.connect();
        server.client(&["say", "hello"]).assert().success();
        drop((silent, early));
        server.signal(Signal::TERM);
        server.exits_with(0);
    }
}

#[test]
fn every_listener_that_was_inherited_is_served() {
    let listeners = [inheritable(), inheritable(), inheritable()];
    let mut all = Activation::new();
    for listener in &listeners {
        all = all.listener("door", listener);
    }
    let server = Start::new(&["--workers", "2"]).activated(&all).run();
    let addresses = listeners.each_ref().map(address_of);
    assert_eq!(server.address, addresses.join(" and "));
    for address in &addresses {
        client(address).args(["say", "hello"]).assert().success();
    }
    server.signal(Signal::TERM);
    server.exits_with(0);
    for listener in &listeners {
        assert!(connect(&address_of(listener)).is_ok(), "it still listens");
    }
}

#[test]
fn with_an_inherited_listener_a_drain_resets_nobody_in_the_backlog() {
    let listener = inheritable();
    let first = Start::new(&["--drain-timeout", "1m"]).activated(&handed_on(&listener));
    let first = first.run();
    let mut slow = served(&first);
    ask_for_much(&mut slow);
    first.signal(Signal::TERM);
    first.logs("draining");
    its_copy_is_closed(&first, &listener);
    let mut late: Vec<Peer> = (0..20).map(|_| asking(&listener)).collect();
    slow.drain();
    drop(slow);
    first.exits_with(0);
    assert!(late.iter().all(|peer| !peer.has_something_to_read()));

    let second = Start::new(&[]).activated(&handed_on(&listener)).run();
    for peer in &mut late {
        peer.expect(ACCEPTED);
    }
    drop(late);
    second.signal(Signal::TERM);
    second.exits_with(0);
}

#[test]
fn who_waits_for_the_next_server_does_not_wake_the_one_that_drains() {
    if !needs::linux() {
        return;
    }
    const WAITING: u64 = 40;
    let listener = inheritable();
    let server = Start::new(&["--drain-timeout", "1m", "--reply-timeout", "1m"]);
    let server = server.activated(&handed_on(&listener)).run();
    let mut slow = served(&server);
    ask_for_much(&mut slow);
    server.signal(Signal::TERM);
    its_copy_is_closed(&server, &listener);
    let before = server.figures().switches;
    let late: Vec<Peer> = (0..WAITING)
        .map(|_| {
            let peer = asking(&listener);
            // A server that is woken has gone to sleep again meanwhile.
            std::thread::park_timeout(std::time::Duration::from_millis(2));
            peer
        })
        .collect();
    let woken = server.figures().switches - before;
    assert!(woken < WAITING / 4, "woken {woken} times");
    drop((slow, late));
    server.exits_with(0);
}

#[test]
fn what_was_meant_for_another_process_is_ignored() {
    for not_for_us in [
        "unset LISTEN_PID",
        "LISTEN_PID=1",
        "LISTEN_PID=",
        "unset LISTEN_FDS",
    ] {
        let listener = inheritable();
        let activation = handed_on(&listener);
        let server = Start::new(&[]).activated(&activation).told_to_listen();
        let server = server.after(not_for_us).run();
        assert_ne!(server.address, address_of(&listener), "{not_for_us}");
        server.client(&["say", "hello"]).assert().success();
        server.signal(Signal::TERM);
        server.exits_with(0);
    }
    let nothing = Activation::new();
    let server = Start::new(&[]).activated(&nothing).told_to_listen().run();
    server.client(&["say", "hello"]).assert().success();
}

/// It refuses to start, in one line that holds these words.
fn refuses(start: Start, words: &[&str]) {
    let told = start.refused();
    assert_eq!(told.lines().count(), 1, "{told}");
    for word in words {
        assert!(told.contains(word), "{word:?} is not in {told}");
    }
}

#[test]
fn what_is_no_listener_in_its_place_is_refused() {
    let (listener, other) = (inheritable(), of_the_other_kind());
    let file = File::open("/etc/passwd").unwrap();
    let connection = connect(&address_of(&listener)).unwrap();
    let datagrams = DatagramPeer::on_path();
    let bound = nobody();
    let start = || Start::new(&[]);
    // A listener comes first: the second is looked at as well.
    let beside = |activation: &Activation| start().activated(activation);
    let handed_on = || Activation::new().listener("door", &listener);
    let file = handed_on().stranger("log", &file);
    refuses(beside(&file), &["descriptor 4 (log)", "a regular file"]);
    let connection = handed_on().stranger("", &connection);
    refuses(beside(&connection), &["descriptor 4 is", "not listening"]);
    let bound = handed_on().stranger("bound", &bound);
    refuses(beside(&bound), &["descriptor 4 (bound)", "not listening"]);
    let datagrams = handed_on().stranger("news", &datagrams);
    refuses(beside(&datagrams), &["descriptor 4 (news)", "another kind"]);
    let other = handed_on().listener("other", &other);
    refuses(beside(&other), &["descriptor 4 (other)", "does not serve"]);
    let too_few = start().activated(&handed_on()).after("LISTEN_FDS=2");
    refuses(too_few, &["descriptor 4 is", "not open"]);
    for count in ["many", "-1", "4000000000", "1000000", ""] {
        let counted = start().activated(&handed_on());
        let counted = counted.after(&format!("LISTEN_FDS={count}"));
        refuses(counted, &["LISTEN_FDS", &format!("{count:?}")]);
    }
    // `systemfd` sets this one. 0 to 2 are standard input, output and error, whatever they are.
    for first in [
        "0",
        "2",
        "-1",
        "2147483647",
        "18446744073709551615",
        "many",
        "",
    ] {
        let after = format!("LISTEN_FDS=2 LISTEN_FDS_FIRST_FD={first}; export LISTEN_FDS_FIRST_FD");
        let started = start().activated(&handed_on()).after(&after);
        let told = format!("LISTEN_FDS_FIRST_FD is {first:?}");
        refuses(started, &[&told, "3 or more"]);
    }
}

#[test]
fn an_address_beside_an_inherited_listener_is_refused() {
    let listener = inheritable();
    let address = address_of(&listener);
    let told = Start::new(&[])
        .activated(&handed_on(&listener))
        .told_to_listen();
    refuses(
        told,
        &[crate::transport::LISTEN_OPTION, &address, "LISTEN_FDS"],
    );
    assert!(connect(&address).is_ok(), "it still listens");
}

#[test]
fn what_it_inherited_is_not_passed_on_and_never_blocks() {
    if !needs::linux() {
        return;
    }
    let listener = inheritable();
    let server = Start::new(&[]).activated(&handed_on(&listener)).run();
    let sockets = server.descriptors();
    let inherited = sockets.iter().find(|one| one.number == 3).unwrap();
    assert_eq!(inherited.kind, Kind::Socket);
    assert!(inherited.close_on_exec && inherited.non_blocking);
}
