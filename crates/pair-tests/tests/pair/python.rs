//! A client in another language, written from the description of the wire alone:
//! `docs/listings/python/psk_client.py`.

use super::DEADLINE;
use super::eventually;
use super::server::Server;
use assert_cmd::Command;
use predicates::prelude::*;
use scripted_peer::needs;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/listings/python");

fn python() -> Option<Command> {
    let mut python = Command::new("python3");
    if python.arg("--version").ok().is_err() {
        needs::skip("needs python3");
        return None;
    }
    let mut python = Command::new("python3");
    // It leaves no __pycache__ in the tree.
    python
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONPATH", FOLDER)
        .timeout(DEADLINE);
    Some(python)
}

#[test]
fn a_client_in_python_talks_to_the_server() {
    let server = Server::start(&[]);
    for (command, argument, printed) in [
        ("say", "hello", "accepted\n"),
        ("echo", "aé€😀", "aé€😀\n"),
        ("close", "", "closed\n"),
    ] {
        let Some(mut python) = python() else { return };
        python.arg(format!("{FOLDER}/psk_client.py"));
        python.args([&server.address, command, argument]);
        python.assert().success().stdout(printed).stderr("");
    }
}

/// Says it with all of the wire: every kind, pieces that come one by one, an error, the end.
const ALL_OF_IT: &str = r#"
import socket, sys
import psk_client as psk

connection = psk.connect(sys.argv[1])
assert psk.say(connection, "hello")
data = bytes(range(256)) * 1000
assert psk.echo(connection, data) == data
print(psk.who_am_i(connection))
now, ever, requests, uptime = psk.stats(connection)
assert (now, ever, requests) == (1, 1, 4), (now, ever, requests)
try:
    psk.call(connection, psk.SAY, b"\xff")
    sys.exit("it took what is not text")
except psk.Refused as error:
    assert error.args[0] == 4, error.args

for byte in b"\0\0\0\x04\x02abc":
    connection.sendall(bytes([byte]))
assert psk.receive_frame(connection) == (psk.ECHOED, b"abc")

for number in range(100):
    psk.send_frame(connection, psk.ECHO, str(number).encode())
for number in range(100):
    assert psk.receive_frame(connection) == (psk.ECHOED, str(number).encode())

assert psk.close(connection)
assert connection.recv(1) == b""
"#;

#[test]
fn a_client_in_python_can_say_everything() {
    let server = Server::start(&[]);
    let Some(mut python) = python() else { return };
    python.args(["-c", ALL_OF_IT, &server.address]);
    let family = predicate::str::starts_with("tcp 127.0.0.1:");
    let family = family.or(predicate::str::starts_with("unix pid="));
    python.assert().success().stdout(family).stderr("");
}

#[test]
fn a_client_in_python_is_told_when_the_house_is_full() {
    let server = Server::start(&["--max-clients", "1"]);
    let inside = super::limits::served(&server);
    let say = || {
        let mut python = python()?;
        python.arg(format!("{FOLDER}/psk_client.py"));
        python.args([&server.address, "say", "hello"]);
        Some(python)
    };
    let Some(mut refused) = say() else { return };
    refused
        .assert()
        .code(1)
        .stderr(predicate::str::contains("refused with error 5"));
    drop(inside);
    eventually("served", || {
        let output = say()?.output().unwrap();
        output.status.success().then_some(())
    });
}
