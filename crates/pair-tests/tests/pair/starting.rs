//! How a server starts, refuses to, and what it says of it.

use super::process::server_program;
use super::server::{Server, Start};
use scripted_peer::Signal;

#[test]
fn it_prints_one_line_once_a_client_can_connect() {
    for _ in 0..10 {
        let server = Server::start(&[]);
        server.client(&["say", "hello"]).assert().success();
        server.signal(Signal::TERM);
        server.exits_with(0);
    }
}

#[test]
fn a_server_whose_threads_cannot_start_is_refused_before_it_says_where_it_listens() {
    // No address space has room for such a stack.
    let told = Start::new(&["--workers", "3"])
        .after("export RUST_MIN_STACK=200000000000000")
        .refused();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("--workers"), "{told}");
}

#[test]
fn a_refusal_to_start_is_one_line_that_names_the_address() {
    let first = Server::start(&[]);
    let second = Start::new(&[]).at(first.place(), &first.address);
    let told = second.refused();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains(&first.address), "{told}");
    first.client(&["say", "still served"]).assert().success();
}

#[test]
fn bad_arguments_exit_with_2() {
    for arguments in [
        &["--frame-timeout", "soon"][..],
        &["--max-frame", "much"],
        &["--max-clients", "-1"],
        &["--nonsense"],
        &["more"],
    ] {
        let told = Start::new(arguments).refused();
        assert!(!told.is_empty());
    }
    let mut help = assert_cmd::Command::new(server_program());
    help.arg("--help").assert().success().stderr("");
}

#[test]
fn a_successor_may_start_at_once() {
    let first = Server::start(&[]);
    let client = super::limits::served(&first);
    first.signal(Signal::TERM);
    first.exits_with(0);
    let second = Start::new(&[]).at(first.place(), &first.address).run();
    assert_eq!(second.address, first.address);
    second.client(&["say", "hello"]).assert().success();
    drop(client);
}

#[test]
fn a_server_that_was_killed_may_be_started_again_at_once() {
    let first = Server::start(&[]);
    let client = super::limits::served(&first);
    first.signal(Signal::KILL);
    first.exit();
    let second = Start::new(&[]).at(first.place(), &first.address).run();
    second.client(&["say", "hello"]).assert().success();
    drop(client);
}

#[test]
fn log_lines_hold_what_a_peer_sent_with_control_characters_escaped() {
    let server = Server::start(&[]);
    let mut peer = server.connect();
    peer.send(b"GET /\x1b[2J\r\nall is well\x07\0\xff\r\n");
    peer.expect_error(1);
    let line = server.logs("all is well");
    assert!(!line.contains(char::is_control), "{line:?}");
    assert!(
        line.contains("BadPreamble") && line.contains("\\u{1b}[2J\\r\\n"),
        "{line:?}"
    );
    let log = server.log();
    assert_eq!(log.lines().count(), 1, "one line an event: {log}");
}
