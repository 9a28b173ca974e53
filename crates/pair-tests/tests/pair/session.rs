//! Without a command: lines in, replies out.

use super::fake_server::{FakeServer, tells};
use super::peer::{ACCEPTED, CLOSE, CLOSED, PREAMBLE, echoed, error, frame, say};
use super::process::client_program;
use crate::transport::ADDRESS_OPTION;
use assert_cmd::Command;
use predicates::prelude::*;
use scripted_peer::needs;
use std::io::{Read, Write};
use std::process::{self, Stdio};

#[test]
fn a_line_is_said_without_its_end() {
    let server = FakeServer::new(|peer| {
        peer.expect(PREAMBLE);
        for text in [
            "plain",
            "windows",
            "",
            " two\rhalves ",
            "\r",
            "aé€😀",
            "rest\r",
        ] {
            peer.expect(&say(text));
            peer.send(ACCEPTED);
        }
        peer.expect_end();
    });
    let lines = "plain\nwindows\r\n\n two\rhalves \n\r\r\naé€😀\nrest\r";
    let client = server.client(&[]).write_stdin(lines).assert();
    client.success().stdout("accepted\n".repeat(7)).stderr("");
    server.join();
}

#[test]
fn the_line_close_sends_close_and_nothing_after_it() {
    for close in ["close", "Close", "CLOSE"] {
        let server = FakeServer::new(|peer| {
            peer.expect(&[PREAMBLE, &say("closed"), &say(" close")].concat()[..PREAMBLE.len()]);
            for text in ["closed", " close"] {
                peer.expect(&say(text));
                peer.send(ACCEPTED);
            }
            peer.expect(CLOSE);
            peer.send(CLOSED);
            peer.expect_end();
        });
        let lines = format!("closed\n close\n{close}\nmore\n");
        let client = server.client(&[]).write_stdin(lines).assert();
        client
            .success()
            .stdout("accepted\naccepted\nclosed\n")
            .stderr("");
        server.join();
    }
}

#[test]
fn the_end_of_input_half_closes() {
    let server = FakeServer::new(|peer| {
        peer.expect(&[PREAMBLE, &say("one")].concat());
        peer.send(ACCEPTED);
        peer.expect_end();
    });
    let client = server.client(&[]).write_stdin("one\n").assert();
    client.success().stdout("accepted\n").stderr("");
    server.join();
}

/// Sets a terminal's title and clears it.
const TITLE: &[u8] = b"\x1b]0;changed\x07\x1b[2J";

#[test]
fn replies_that_nobody_asked_for_are_not_printed() {
    let replies = [
        ACCEPTED.to_vec(),
        echoed(TITLE),
        echoed(b""),
        CLOSED.to_vec(),
        frame(0x83, b"tcp 127.0.0.1:1"),
        frame(0x84, &[0; 28]),
        error(4, "this leaves the connection open"),
        error(300, "this too"),
    ];
    // At the end, and, in one piece with the last answer, in front of the next request.
    for (input, wanted) in [("one\n", "one"), ("one\ntwo\n", "one")] {
        for unasked in replies.clone() {
            let kind = format!("kind {:02x}", unasked[4]);
            let server = FakeServer::new(move |peer| {
                peer.expect(&[PREAMBLE, &say(wanted)].concat());
                peer.send(&[ACCEPTED, &unasked].concat());
                peer.drain();
            });
            let client = server.client(&[]).write_stdin(input).assert();
            let client = client.code(1).stdout("accepted\n");
            let words = ["does not speak this protocol", "unrequested reply", &kind];
            tells(&client.get_output().stderr, &server.address, &words);
            server.join();
        }
    }
}

#[test]
fn a_server_that_never_stops_replying_is_left() {
    let server = FakeServer::new(|peer| {
        peer.expect(PREAMBLE);
        while peer.try_send(&echoed(TITLE).repeat(1000)).is_ok() {}
    });
    // Long before the default timeout, or the test's own.
    let client = server.client(&[]).write_stdin("").assert();
    let client = client.code(1).stdout("");
    tells(
        &client.get_output().stderr,
        &server.address,
        &["unrequested reply"],
    );
    server.join();
}

#[test]
fn an_error_that_closes_is_told_though_it_came_with_the_last_answer() {
    let server = FakeServer::new(|peer| {
        peer.expect(&[PREAMBLE, &say("one")].concat());
        peer.send(&[ACCEPTED, &error(7, "going down")].concat());
        peer.drain();
    });
    let client = server.client(&[]).write_stdin("one\ntwo\n").assert();
    let client = client.code(1).stdout("accepted\n");
    let words = ["Draining", "going down"];
    tells(&client.get_output().stderr, &server.address, &words);
    server.join();
}

#[test]
fn an_error_in_place_of_the_end_is_told() {
    let server = FakeServer::new(|peer| {
        peer.expect(&[PREAMBLE, &say("one")].concat());
        peer.send(ACCEPTED);
        peer.expect_end();
        peer.send(&error(7, "going down"));
    });
    let client = server.client(&[]).write_stdin("one\n").assert();
    let client = client.code(1).stdout("accepted\n");
    tells(
        &client.get_output().stderr,
        &server.address,
        &["Draining", "going down"],
    );
    server.join();
}

#[test]
fn a_server_that_never_ends_is_given_up_in_time() {
    let server = FakeServer::new(|peer| {
        peer.expect(PREAMBLE);
        peer.expect_end();
        let mut stay = peer.stream();
        // Reading on at the end of the stream returns at once; the other end is gone when a write
        // fails.
        while stay.write_all(&[0]).is_ok() {
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
    });
    let client = server
        .client(&["--timeout", "300ms"])
        .write_stdin("")
        .assert();
    let client = client.code(1).stdout("");
    let told = String::from_utf8(client.get_output().stderr.clone()).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    server.join();
}

#[test]
fn an_error_that_leaves_the_connection_open_does_not_end_the_session() {
    let server = FakeServer::new(|peer| {
        peer.expect(&[PREAMBLE, &say("one")].concat());
        peer.send(ACCEPTED);
        peer.expect(&say("two"));
        peer.send(&error(4, "not that"));
        peer.expect(&say("three"));
        peer.send(ACCEPTED);
        peer.expect_end();
    });
    let client = server.client(&[]).write_stdin("one\ntwo\nthree\n").assert();
    let client = client.code(1).stdout("accepted\naccepted\n");
    tells(
        &client.get_output().stderr,
        &server.address,
        &["NotText", "not that"],
    );
    server.join();
}

#[test]
fn such_an_error_is_remembered_at_close_too() {
    let server = FakeServer::new(|peer| {
        peer.expect(&[PREAMBLE, &say("one")].concat());
        peer.send(&error(3, "what?"));
        peer.expect(CLOSE);
        peer.send(CLOSED);
    });
    let client = server.client(&[]).write_stdin("one\nclose\n").assert();
    client
        .code(1)
        .stdout("closed\n")
        .stderr(predicate::str::contains("Malformed"));
    server.join();
}

#[test]
fn a_closing_error_ends_the_session() {
    let server = FakeServer::new(|peer| {
        peer.expect(&[PREAMBLE, &say("one")].concat());
        peer.send(&error(9, "it broke"));
        peer.expect_end();
    });
    let client = server.client(&[]).write_stdin("one\ntwo\n").assert();
    let client = client.code(1).stdout("");
    tells(
        &client.get_output().stderr,
        &server.address,
        &["Internal", "it broke"],
    );
    server.join();
}

#[test]
fn a_server_that_hangs_up_between_lines_is_told() {
    let server = FakeServer::new(|peer| {
        peer.expect(&[PREAMBLE, &say("one")].concat());
        peer.send(ACCEPTED);
    });
    let client = server.client(&[]).write_stdin("one\ntwo\nthree\n").assert();
    let client = client.code(1).stdout("accepted\n");
    tells(
        &client.get_output().stderr,
        &server.address,
        &["closed the connection"],
    );
    server.join();
}

#[test]
fn a_line_that_comes_after_the_servers_end_is_not_sent_and_that_is_told() {
    let server = FakeServer::new(|peer| {
        peer.expect(&[PREAMBLE, &say("one")].concat());
        peer.send(ACCEPTED);
    });
    let address = server.address.clone();
    let mut client = process::Command::new(client_program())
        .args([ADDRESS_OPTION, &address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    input.write_all(b"one\n").unwrap();
    server.join();
    let mut printed = [0; 9];
    client
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut printed)
        .unwrap();
    assert_eq!(&printed, b"accepted\n");
    input.write_all(b"two\n").unwrap();
    drop(input);
    let output = client.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]));
    tells(&output.stderr, &address, &["nothing was sent", "try again"]);
}

#[test]
fn a_line_that_is_not_text_is_told_and_not_sent() {
    let server = FakeServer::new(|peer| {
        peer.expect(&[PREAMBLE, &say("one")].concat());
        peer.send(ACCEPTED);
        peer.expect(&say("three"));
        peer.send(ACCEPTED);
        peer.expect_end();
    });
    let client = server
        .client(&[])
        .write_stdin(b"one\ntw\xff\xfe\nthree\n")
        .assert();
    let client = client.code(1).stdout("accepted\naccepted\n");
    tells(
        &client.get_output().stderr,
        &server.address,
        &["NotText", "line 2", "byte 2"],
    );
    server.join();
}

/// Runs the client on a terminal of its own, types a line and then the end of input, and prints
/// what the terminal showed.
const ON_A_TERMINAL: &str = r#"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown = b""
for typed in (b"hello\n", b"\x04"):
    while not shown.endswith(b"> "):
        shown += os.read(terminal, 1000)
    os.write(terminal, typed)
    shown += b"|"
try:
    while piece := os.read(terminal, 1000):
        shown += piece
except OSError:
    pass
os.waitpid(pid, 0)
sys.stdout.buffer.write(shown)
"#;

#[test]
fn a_prompt_is_shown_on_a_terminal_only() {
    if Command::new("python3").arg("--version").ok().is_err() {
        needs::skip("no python3");
        return;
    }
    let server = FakeServer::new(|peer| {
        peer.expect(&[PREAMBLE, &say("hello")].concat());
        peer.send(ACCEPTED);
        peer.expect_end();
    });
    let mut python = Command::new("python3");
    python.args(["-c", ON_A_TERMINAL]).arg(client_program());
    python.args([ADDRESS_OPTION, &server.address]);
    let shown = python.timeout(super::DEADLINE).assert().success();
    shown.stdout("> |hello\r\naccepted\r\n> |\r\n");
    server.join();
}
