//! The promises about what a supervisor hears: sd_notify(3).

use super::deadlines::ask_for_much;
use super::limits::served;
use super::peer::{ACCEPTED, PREAMBLE, Peer, say};
use super::process::server_program;
use super::server::{Server, Start};
use crate::transport::connect;
use scripted_peer::{NotifySocket, Signal, needs};
use std::time::Duration;

/// How often it wants to hear that the server is not stuck, where it does.
const OFTEN: Duration = Duration::from_millis(400);

/// One at a path. What it hears of is built before the test's time begins to run.
fn supervisor() -> NotifySocket {
    server_program();
    let mut supervisor = NotifySocket::on_path();
    supervisor.patience(super::DEADLINE);
    supervisor
}

fn ends(server: &Server) {
    server.signal(Signal::TERM);
    server.exits_with(0);
}

#[test]
fn a_supervisor_hears_ready_when_a_client_can_connect_and_stopping_when_it_drains() {
    server_program();
    for is_abstract in [false, true] {
        if is_abstract && !needs::linux() {
            return;
        }
        let mut supervisor = match is_abstract {
            true => NotifySocket::with_abstract_name(),
            false => supervisor(),
        };
        supervisor.patience(super::DEADLINE);
        // Where it will listen is known from another one.
        let before = Server::start(&[]);
        ends(&before);
        let start = Start::new(&["--drain-timeout", "1m"]).notifies(&supervisor);
        let mut server = start.at(before.place(), &before.address).spawn();
        assert_eq!(supervisor.next_line().now(), "READY=1");
        let mut first = Peer::new(connect(&before.address).unwrap());
        first.send(&[PREAMBLE, &say("hello")].concat());
        first.expect(ACCEPTED);
        assert!(server.begins_to_listen());
        let mut slow = served(&server);
        ask_for_much(&mut slow);
        server.signal(Signal::TERM);
        // Before anybody who waits is through, so that nobody is sent to it any more.
        assert_eq!(supervisor.next_line().now(), "STOPPING=1");
        slow.drain();
        drop(slow);
        server.exits_with(0);
        assert_eq!(supervisor.take_lines(), [""; 0], "no WATCHDOG unasked");
    }
}

#[test]
fn a_server_that_refuses_to_start_is_not_ready() {
    let mut supervisor = supervisor();
    let first = Server::start(&[]);
    let second = Start::new(&[]).notifies(&supervisor);
    second.at(first.place(), &first.address).refused();
    assert_eq!(supervisor.take_lines(), [""; 0]);
}

#[test]
fn the_loops_feed_the_watchdog_idle_or_flooded() {
    let mut supervisor = supervisor();
    let start = Start::new(&["--workers", "3"]).notifies(&supervisor);
    let server = start.watched(OFTEN).run();
    assert_eq!(supervisor.next_line().now(), "READY=1");
    let mut hear = |times| {
        (0..times).for_each(|_| {
            assert_eq!(supervisor.next_line().now(), "WATCHDOG=1");
        });
    };
    hear(5);
    let mut greedy = served(&server);
    ask_for_much(&mut greedy);
    hear(5);
    drop(greedy);
    server.signal(Signal::STOP);
    supervisor.expect_nothing_for(2 * OFTEN).now();
    server.signal(Signal::CONT);
    supervisor.expect("WATCHDOG=1").now();
    ends(&server);
}

#[test]
fn a_watchdog_that_is_another_process_s_is_not_fed() {
    for not_for_us in ["WATCHDOG_PID=1", "WATCHDOG_USEC=0", "WATCHDOG_USEC=soon"] {
        let mut supervisor = supervisor();
        let start = Start::new(&[]).notifies(&supervisor).watched(OFTEN);
        let server = start.after(not_for_us).run();
        server.client(&["say", "hello"]).assert().success();
        ends(&server);
        supervisor.expect("STOPPING=1").now();
        assert_eq!(supervisor.take_lines(), [""; 0], "{not_for_us}");
    }
}

#[test]
fn a_supervisor_that_does_not_listen_delays_no_client() {
    let mut full = supervisor();
    full.fill();
    let server = Start::new(&[]).notifies(&full).watched(OFTEN).run();
    server.client(&["say", "hello"]).assert().success();
    server.logs("READY=1");
    // What it could not be told then, it is told with the next.
    full.drain();
    full.expect("READY=1").now();
    full.expect("WATCHDOG=1").now();
    full.fill();
    ends(&server);

    let gone = supervisor();
    let start = Start::new(&[]).notifies(&gone).watched(OFTEN);
    gone.close();
    let server = start.run();
    server.client(&["say", "hello"]).assert().success();
    server.logs("READY=1");
    ends(&server);
}

#[test]
fn a_supervisor_s_name_that_cannot_be_used_is_told_and_stops_nobody() {
    for name in ["notify", "vsock:2:1234", "/no/such/folder/notify"] {
        let server = Start::new(&[])
            .after(&format!("export NOTIFY_SOCKET={name}"))
            .run();
        server.client(&["say", "hello"]).assert().success();
        let line = server.logs("READY=1");
        assert!(line.contains(name), "{line}");
        assert_eq!(server.log().lines().count(), 1, "{}", server.log());
        ends(&server);
    }
}
