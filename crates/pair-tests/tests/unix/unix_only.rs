//! What else is true of the client over Unix sockets alone.

use crate::pair::eventually;
use crate::pair::fake_server::tells;
use crate::pair::process::{client, client_program};
use crate::transport::Place;
use assert_cmd::Command;
use predicates::prelude::*;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{self, Stdio};
use std::time::{Duration, Instant};

/// Connects until nobody else can; Linux then lets a client wait.
pub fn fill_backlog(listener: &UnixListener, path: &Path) -> Vec<OwnedFd> {
    rustix::net::listen(listener, 0).unwrap();
    let address = SocketAddrUnix::new(path).unwrap();
    let mut waiting = Vec::new();
    loop {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
        if rustix::net::connect(&socket, &address).is_err() {
            return waiting;
        }
        waiting.push(socket);
    }
}

#[test]
fn a_full_backlog_is_waited_for_no_longer_than_the_timeout() {
    let place = Place::new();
    let listener = UnixListener::bind(place.path()).unwrap();
    let waiting = fill_backlog(&listener, &place.path());
    let started = Instant::now();
    let mut client = client(&place.address());
    let assert = client.args(["--timeout", "300ms", "say", "hello"]).assert();
    let assert = assert.code(1).stdout("");
    let took = started.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    let told = &assert.get_output().stderr;
    if cfg!(target_os = "linux") {
        tells(told, &place.address(), &["within 300ms", "--timeout"]);
        assert!(took >= Duration::from_millis(300), "{took:?}");
    } else {
        tells(told, &place.address(), &["nobody listens"]);
    }
    drop(waiting);
}

#[test]
fn a_client_that_was_stopped_goes_on_waiting_for_the_backlog() {
    let place = Place::new();
    let listener = UnixListener::bind(place.path()).unwrap();
    let waiting = fill_backlog(&listener, &place.path());
    let mut client = process::Command::new(client_program())
        .args(["--socket", &place.address(), "--timeout", "300ms", "whoami"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&client);
    let mut signals = [Signal::STOP, Signal::CONT].into_iter().cycle();
    let status = eventually("the client gives up", || {
        kill_process(pid, signals.next()?).unwrap();
        client.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(1));
    let told = client.wait_with_output().unwrap().stderr;
    let why = match cfg!(target_os = "linux") {
        true => "within 300ms",
        false => "nobody listens",
    };
    tells(&told, &place.address(), &[why]);
    drop(waiting);
}

#[test]
fn a_path_where_nothing_is_is_told() {
    let place = Place::new();
    let assert = client(&place.address())
        .arg("whoami")
        .assert()
        .code(1)
        .stdout("");
    let words = ["there is nothing at", "unix-server", "--socket"];
    tells(&assert.get_output().stderr, &place.address(), &words);
}

#[test]
fn a_regular_file_is_told_as_no_socket() {
    let place = Place::new();
    fs::write(place.path(), "no socket").unwrap();
    let assert = client(&place.address())
        .arg("whoami")
        .assert()
        .code(1)
        .stdout("");
    tells(
        &assert.get_output().stderr,
        &place.address(),
        &["nobody listens", "isn't a socket"],
    );
}

#[test]
fn a_path_that_no_socket_can_have_is_a_bad_argument() {
    let long = "x".repeat(200);
    for path in ["", &long] {
        let mut command = Command::new(client_program());
        let assert = command.args(["--socket", path, "whoami"]).assert();
        assert
            .code(2)
            .stdout("")
            .stderr(predicate::str::contains("--socket"));
    }
}

#[test]
fn a_path_with_control_characters_cannot_move_the_cursor() {
    let place = Place::new();
    let path = place.folder().join("\x1b[2J\n");
    let mut command = Command::new(client_program());
    let assert = command
        .arg("--socket")
        .arg(path)
        .arg("whoami")
        .assert()
        .code(1);
    tells(&assert.get_output().stderr, "\\u{1b}[2J\\n", &[]);
}
