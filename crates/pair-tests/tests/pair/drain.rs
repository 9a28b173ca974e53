//! The promise about signals: what has come is answered, and then it ends.
//!
//! Where the order of events matters the server is stopped, so that all of them have happened when
//! it goes on.

use super::deadlines::ask_for_much;
use super::limits::served;
use super::peer::{ACCEPTED, PREAMBLE, Peer, echo, echoed, say};
use super::server::{Server, Start};
use crate::transport::{connect, is_gone};
use scripted_peer::{Exit, Signal, needs};
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn sigint_and_sigterm_drain_and_exit_0() {
    for signal in [Signal::INT, Signal::TERM] {
        let server = Server::start(&[]);
        server.signal(signal);
        server.exits_with(0);
        assert!(
            is_gone(&server),
            "nobody can connect, and nothing is left behind"
        );
    }
}

#[test]
fn every_whole_frame_that_had_come_is_answered() {
    let server = Server::start(&[]);
    let mut peer = served(&server);
    let mut late = server.connect();
    server.signal(Signal::STOP);
    let bodies: Vec<Vec<u8>> = (0..60).map(|at| vec![at; 1000]).collect();
    peer.send(
        &bodies
            .iter()
            .flat_map(|body| echo(body))
            .collect::<Vec<_>>(),
    );
    late.send(&[PREAMBLE, &say("hello")].concat());
    server.signal(Signal::TERM);
    server.signal(Signal::CONT);
    for body in &bodies {
        peer.expect(&echoed(body));
    }
    peer.expect_end();
    drop(peer);
    drop(late);
    server.exits_with(0);
}

#[test]
fn half_a_frame_gets_draining() {
    let server = Server::start(&[]);
    let mut peer = served(&server);
    server.signal(Signal::STOP);
    peer.send(&[&say("whole"), &say("half")[..6]].concat());
    server.signal(Signal::TERM);
    server.signal(Signal::CONT);
    peer.expect(ACCEPTED);
    peer.expect_error(7);
    peer.expect_end();
    drop(peer);
    server.exits_with(0);
}

#[test]
fn everyone_else_sees_the_end_of_the_stream() {
    let server = Server::start(&["--workers", "2"]);
    let mut idle: Vec<Peer> = (0..10).map(|_| served(&server)).collect();
    server.signal(Signal::TERM);
    for peer in &mut idle {
        peer.expect_end();
    }
    drop(idle);
    server.exits_with(0);
}

#[test]
fn idle_clients_never_make_a_drain_end_in_3() {
    let server = Server::start(&["--drain-timeout", "300ms"]);
    let idle: Vec<Peer> = (0..10).map(|_| served(&server)).collect();
    server.signal(Signal::TERM);
    // They neither read nor close.
    server.exits_with(0);
    drop(idle);
}

#[test]
fn nobody_new_comes_in_while_it_drains() {
    let server = Server::start(&["--drain-timeout", "1m"]);
    let mut slow = served(&server);
    ask_for_much(&mut slow);
    server.signal(Signal::TERM);
    server.logs("draining");
    super::eventually("refused", || {
        connect(&server.address).is_err().then_some(())
    });
    assert!(is_gone(&server), "although it still serves");
    slow.drain();
    drop(slow);
    server.exits_with(0);
}

#[test]
fn the_drain_timeout_cuts_and_exits_3() {
    let server = Server::start(&["--drain-timeout", "300ms"]);
    let mut slow = served(&server);
    ask_for_much(&mut slow);
    let started = Instant::now();
    server.signal(Signal::TERM);
    server.exits_with(3);
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(300), "{took:?}");
    drop(slow);
}

#[test]
fn a_second_signal_cuts_at_once_and_exits_3() {
    let server = Server::start(&["--drain-timeout", "1h", "--reply-timeout", "1h"]);
    let mut slow = served(&server);
    ask_for_much(&mut slow);
    let started = Instant::now();
    server.signal(Signal::TERM);
    server.logs("draining");
    // Those of the first 200 ms are the first one, sent again.
    super::eventually("cutting", || {
        server.signal(Signal::INT);
        server.log().contains("cutting").then_some(())
    });
    server.exits_with(3);
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(200), "{took:?}");
    assert!(is_gone(&server), "nothing is left behind");
    drop(slow);
}

#[test]
fn one_signal_that_is_sent_twice_drains() {
    for _ in 0..10 {
        let server = Server::start(&["--drain-timeout", "1m"]);
        let mut slow = served(&server);
        ask_for_much(&mut slow);
        // As timeout(1) does: its child, and then the child's group.
        server.signal(Signal::INT);
        server.signal(Signal::TERM);
        server.logs("draining");
        slow.drain();
        drop(slow);
        server.exits_with(0);
        let log = server.log();
        assert_eq!(log.matches("signal").count(), 1, "one event: {log}");
    }
}

#[test]
fn signals_that_the_starter_blocked_or_ignored_drain_all_the_same() {
    let blocking = "env --block-signal=INT,TERM";
    let mut env = Command::new("sh");
    env.args(["-c", &format!("{blocking} true")]);
    let blocks = env.output().unwrap().status.success();
    if !blocks {
        needs::skip("no env(1) here that blocks signals");
    }
    for signal in [Signal::INT, Signal::TERM] {
        let ignored = Start::new(&[]).after("trap '' INT TERM").run();
        let blocked = blocks.then(|| Start::new(&[]).inside(blocking).run());
        for server in [Some(ignored), blocked].into_iter().flatten() {
            server.signal(signal);
            server.exits_with(0);
        }
    }
}

#[test]
fn sighup_and_sigquit_end_it_at_once_unless_the_starter_ignored_them() {
    for signal in [Signal::HUP, Signal::QUIT] {
        let server = Start::new(&[]).after("ulimit -c 0").run();
        server.signal(signal);
        let exit = server.exit().exit;
        assert_eq!(exit, Exit::Signal(signal.as_raw()));
        // As nohup(1) does with SIGHUP, and a script's shell with SIGQUIT.
        let server = Start::new(&[]).after("trap '' HUP QUIT").run();
        server.signal(signal);
        server.client(&["say", "still served"]).assert().success();
        server.signal(Signal::TERM);
        server.exits_with(0);
    }
}

#[test]
fn the_replies_of_a_drain_may_be_taken_slowly() {
    let server = Server::start(&["--drain-timeout", "1m"]);
    let mut slow = served(&server);
    server.signal(Signal::STOP);
    let body = vec![7; 100_000];
    // What one socket's buffer holds for a server that does not read.
    slow.send(&echo(&body));
    server.signal(Signal::TERM);
    server.signal(Signal::CONT);
    server.logs("draining");
    slow.expect(&echoed(&body));
    slow.expect_end();
    drop(slow);
    server.exits_with(0);
}
