//! Other people's TLS, in both directions: OpenSSL's `s_client` and `s_server`, and Python's `ssl`.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use predicates::str::contains;
use scripted_peer::needs;

use super::harness::{DEADLINE, Server, client, file};
use super::wire::{ACCEPTED, CLOSE, PREAMBLE, WHO_AM_I};

/// Whether this program is there; else the test is noted as skipped, and fails where CI is set.
fn has(program: &str, option: &str, reason: &str) -> bool {
    let output = Command::new(program).arg(option).output();
    output.is_ok_and(|output| output.status.success()) || needs::skip(reason)
}

fn has_openssl() -> bool {
    has("openssl", "version", "needs openssl: `apt install openssl`")
}

fn has_python() -> bool {
    has(
        "python3",
        "--version",
        "needs python3: `apt install python3`",
    )
}

fn open(program: &str, arguments: &[&str]) -> Ended {
    let mut command = Command::new(program);
    let command = command.args(arguments).stdin(Stdio::piped());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Ended(command.spawn().unwrap())
}

/// A program that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn openssl_s_client_is_served_and_its_certificate_is_named() {
    if !has_openssl() {
        return;
    }
    let server = Server::start(&["--tls-client-ca", &file("ca.pem")]);
    for version in ["-tls1_2", "-tls1_3"] {
        let (ca, certificate, key) = (file("ca.pem"), file("client.pem"), file("client.key"));
        let mut openssl = open(
            "openssl",
            &[
                "s_client",
                "-connect",
                &server.address,
                "-CAfile",
                &ca,
                "-verify_return_error",
                "-verify_hostname",
                "pocket.test",
                "-cert",
                &certificate,
                "-key",
                &key,
                "-quiet",
                version,
            ],
        );
        let stdin = openssl.0.stdin.as_mut().unwrap();
        stdin
            .write_all(&[PREAMBLE, WHO_AM_I, CLOSE].concat())
            .unwrap();
        let mut came = Vec::new();
        openssl
            .0
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut came)
            .unwrap();
        let told = String::from_utf8_lossy(&came);
        let fingerprint = fingerprint(&certificate);
        let named = format!("name=alice sha256={fingerprint}");
        assert!(
            told.contains("tls 127.0.0.1:") && told.contains(&named),
            "{told}"
        );
        assert!(came.ends_with(b"\0\0\0\x01\x85"), "{came:02x?}");
    }
}

fn fingerprint(certificate: &str) -> String {
    let arguments = [
        "x509",
        "-noout",
        "-fingerprint",
        "-sha256",
        "-in",
        certificate,
    ];
    let output = Command::new("openssl").args(arguments).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let (_, digits) = told.trim_end().split_once('=').unwrap();
    digits.replace(':', "").to_lowercase()
}

#[test]
fn the_client_talks_to_openssl_s_server() {
    if !has_openssl() {
        return;
    }
    for version in ["-tls1_2", "-tls1_3"] {
        let (certificate, key) = (file("server.pem"), file("server.key"));
        let arguments = [
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-naccept",
            "1",
            version,
        ];
        let own = ["-cert", &certificate, "-key", &key];
        let mut openssl = open("openssl", &[&arguments[..], &own].concat());
        let mut lines = BufReader::new(openssl.0.stdout.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(
                lines.read_line(&mut line).unwrap() > 0,
                "it does not listen"
            );
            if let Some(address) = line.trim_end().strip_prefix("ACCEPT ") {
                break address.to_owned();
            }
        };
        // It sends what it reads.
        let stdin = openssl.0.stdin.as_mut().unwrap();
        stdin.write_all(ACCEPTED).unwrap();
        let said = client(&address, &["say", "hello to OpenSSL"]).assert();
        said.success().stdout("accepted\n").stderr("");
        let mut heard = Vec::new();
        lines.read_to_end(&mut heard).unwrap();
        let heard = String::from_utf8_lossy(&heard);
        assert!(heard.contains("hello to OpenSSL"), "{heard}");
    }
}

/// Every kind of request, and the end, which is an error in Python if there is no close_notify.
const CLIENT: &str = r#"
import socket, ssl, sys
import psk_client as psk
address, ca, certificate, key = sys.argv[1:]
host, port = address.rsplit(":", 1)
context = ssl.create_default_context(cafile=ca)
context.load_cert_chain(certificate, key)
raw = socket.create_connection((host, int(port)), 30)
connection = context.wrap_socket(raw, server_hostname="pocket.test", suppress_ragged_eofs=False)
connection.sendall(psk.PREAMBLE)
assert psk.say(connection, "hello")
data = bytes(range(256)) * 1000
assert psk.echo(connection, data) == data
print(psk.who_am_i(connection))
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

/// Answers one request, and sends close_notify.
const SERVER: &str = r#"
import socket, ssl, sys
certificate, key, ca = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
context.load_cert_chain(certificate, key)
context.verify_mode = ssl.CERT_REQUIRED
listener = socket.create_server(("127.0.0.1", 0))
print("%s:%d" % listener.getsockname(), flush=True)
raw, _ = listener.accept()
raw.settimeout(30)
connection = context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False)
said = b""
while len(said) < 14:
    said += connection.recv(100)
connection.sendall(b"\0\0\0\x01\x81")
assert connection.recv(1) == b"", "close_notify"
print(said[4 + 5:].decode(), connection.getpeercert()["subject"], flush=True)
"#;

#[test]
fn pythons_ssl_is_served() {
    if !has_python() {
        return;
    }
    let server = Server::start(&["--tls-client-ca", &file("ca.pem")]);
    let mut python = assert_cmd::Command::new("python3");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/listings/python");
    python
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONPATH", folder)
        .timeout(DEADLINE);
    let (ca, certificate, key) = (file("ca.pem"), file("client.pem"), file("client.key"));
    python.args(["-c", CLIENT, &server.address, &ca, &certificate, &key]);
    python
        .assert()
        .success()
        .stdout(contains("name=alice"))
        .stderr("");
}

#[test]
fn the_client_talks_to_pythons_ssl() {
    if !has_python() {
        return;
    }
    let (certificate, key, ca) = (file("server.pem"), file("server.key"), file("ca.pem"));
    let mut python = open("python3", &["-c", SERVER, &certificate, &key, &ca]);
    let mut lines = BufReader::new(python.0.stdout.take().unwrap()).lines();
    let address = lines.next().expect("it listens").unwrap();
    let (certificate, key) = (file("client.pem"), file("client.key"));
    let own = [
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "say",
        "hello",
    ];
    client(&address, &own)
        .assert()
        .success()
        .stdout("accepted\n");
    let heard = lines.next().expect("it heard the end").unwrap();
    assert!(
        heard.starts_with("hello ") && heard.contains("alice"),
        "{heard}"
    );
}
