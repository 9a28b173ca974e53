//! Every command of the client, against the server that it is made for.

use super::fake_server::tells;
use super::process::{client, client_program};
use super::server::Server;
use crate::transport::{ADDRESS_OPTION, is_peer};
use assert_cmd::Command;
use predicates::prelude::*;
use std::process::Stdio;

#[test]
fn say_prints_accepted() {
    let server = Server::start(&[]);
    server
        .client(&["say", "hello"])
        .assert()
        .success()
        .stdout("accepted\n")
        .stderr("");
    server
        .client(&["say", ""])
        .assert()
        .success()
        .stdout("accepted\n");
    server
        .client(&["say", "-x"])
        .assert()
        .success()
        .stdout("accepted\n");
    server
        .client(&["say", "aé€😀\nclose"])
        .assert()
        .success()
        .stdout("accepted\n");
}

#[test]
fn echo_prints_the_bytes_as_they_are() {
    let server = Server::start(&[]);
    server
        .client(&["echo", "aé€😀"])
        .assert()
        .success()
        .stdout("aé€😀")
        .stderr("");
    server.client(&["echo", ""]).assert().success().stdout("");
}

#[test]
fn echo_dash_sends_all_of_standard_input() {
    let server = Server::start(&[]);
    let bytes: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
    let client = server
        .client(&["echo", "-"])
        .write_stdin(bytes.clone())
        .assert();
    client.success().stdout(predicate::eq(bytes)).stderr("");
    server
        .client(&["echo", "-"])
        .write_stdin("")
        .assert()
        .success()
        .stdout("");
}

#[test]
fn whoami_prints_how_the_server_sees_the_client() {
    let server = Server::start(&[]);
    let mut command = std::process::Command::new(client_program());
    command.args([ADDRESS_OPTION, &server.address, "whoami"]);
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let peer = text.strip_suffix('\n').expect("a newline at its end");
    assert!(is_peer(peer, pid), "{peer}");
}

#[test]
fn stats_prints_four_names_and_values() {
    let server = Server::start(&[]);
    server.client(&["say", "hello"]).assert().success();
    let client = server.client(&["stats"]).assert().success().stderr("");
    let text = String::from_utf8(client.get_output().stdout.clone()).unwrap();
    let lines = text.lines().map(|line| line.split_once(' ').unwrap());
    let (names, values): (Vec<_>, Vec<_>) = lines.unzip();
    let values: Vec<u64> = values.iter().map(|value| value.parse().unwrap()).collect();
    assert_eq!(
        names,
        [
            "connections_now",
            "connections_ever",
            "requests",
            "uptime_ms"
        ]
    );
    assert_eq!(values[1..3], [2, 2]);
    assert!(text.ends_with('\n'));
}

#[test]
fn close_prints_closed() {
    let server = Server::start(&[]);
    server
        .client(&["close"])
        .assert()
        .success()
        .stdout("closed\n")
        .stderr("");
}

#[test]
fn lines_are_said_until_close() {
    let server = Server::start(&[]);
    for close in ["close", "CLOSE", "ClOsE\r"] {
        let lines = format!("one\ntwo\n{close}\nnever said\n");
        let client = server.client(&[]).write_stdin(lines).assert();
        client
            .success()
            .stdout("accepted\naccepted\nclosed\n")
            .stderr("");
    }
}

#[test]
fn the_end_of_the_lines_ends_the_session() {
    let server = Server::start(&[]);
    let lines = "one\n\nthree\r\nwithout a newline";
    let client = server.client(&[]).write_stdin(lines).assert();
    client.success().stdout("accepted\n".repeat(4)).stderr("");
    server
        .client(&[])
        .write_stdin("")
        .assert()
        .success()
        .stdout("")
        .stderr("");
}

#[test]
fn options_may_stand_on_either_side_of_the_command() {
    let server = Server::start(&[]);
    let mut command = Command::new(client_program());
    command.args([
        "say",
        "hello",
        "--timeout",
        "30s",
        ADDRESS_OPTION,
        &server.address,
    ]);
    command.assert().success().stdout("accepted\n");
}

#[test]
fn bad_arguments_exit_with_2() {
    for arguments in [
        &["shout"][..],
        &["say"],
        &["say", "one", "two"],
        &["--timeout", "0s", "whoami"],
        &["--timeout", "soon", "whoami"],
        &["--nonsense"],
    ] {
        let client = client("127.0.0.1:1").args(arguments).assert();
        client
            .code(2)
            .stdout("")
            .stderr(predicate::str::is_empty().not());
    }
}

#[test]
fn a_body_above_the_servers_limit_is_told() {
    let server = Server::start(&["--max-frame", "1KiB"]);
    for bytes in [1024, 20_000, 5_000_000] {
        let client = server
            .client(&["echo", "-"])
            .write_stdin(vec![7; bytes])
            .assert();
        let client = client.code(1).stdout("");
        tells(
            &client.get_output().stderr,
            &server.address,
            &["TooLarge", "send less"],
        );
    }
    let lines = format!("short\n{}\nnever said\n", "x".repeat(1_000_000));
    let client = server.client(&[]).write_stdin(lines).assert();
    let client = client.code(1).stdout("accepted\n");
    tells(&client.get_output().stderr, &server.address, &["TooLarge"]);
}

#[test]
fn a_frame_above_the_default_may_be_echoed_where_the_server_allows_it() {
    let server = Server::start(&["--max-frame", "4MiB"]);
    let bytes = vec![9; 3_000_000];
    let client = server
        .client(&["echo", "-"])
        .write_stdin(bytes.clone())
        .assert();
    client.success().stdout(predicate::eq(bytes));
}
