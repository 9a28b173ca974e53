//! What holds before there is a connection.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use predicates::str::contains;
use scripted_peer::{Signal, appears};

use super::harness::{DEADLINE, Server, file, hello_bytes};
use super::wire::{PREAMBLE, WHO_AM_I};

#[test]
fn the_pair_talks_over_tls() {
    let server = Server::start(&["--max-frame", "8MiB"]);
    let say = server.client(&["say", "hello"]).assert();
    say.success().stdout("accepted\n").stderr("");
    let large = "a large message ".repeat(200_000);
    let echo = server
        .client(&["echo", "-"])
        .write_stdin(large.clone())
        .assert();
    echo.success().stdout(large).stderr("");
    let lines = server
        .client(&["--tls-name", "pocket.test"])
        .write_stdin("one\ntwo\n")
        .assert();
    lines.success().stdout("accepted\naccepted\n");
    let whoami = server.client(&["whoami"]).assert();
    whoami.success().stdout(contains("tls 127.0.0.1:"));
    server
        .client(&["close"])
        .assert()
        .success()
        .stdout("closed\n");
    assert_eq!(server.running.stderr(), "");
}

#[test]
fn whoami_names_the_clients_certificate() {
    let server = Server::start(&["--tls-client-ca", &file("ca.pem")]);
    let (certificate, key) = (file("client.pem"), file("client.key"));
    let own = ["--tls-cert", &certificate, "--tls-key", &key, "whoami"];
    let output = server.client(&own).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let (address, name) = told.trim_end().split_once(" name=").unwrap();
    assert!(address.starts_with("tls 127.0.0.1:"), "{told}");
    let (name, fingerprint) = name.split_once(" sha256=").unwrap();
    assert_eq!(name, "alice");
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(fingerprint.len() == 64 && is_hex(fingerprint), "{told}");
}

#[test]
fn who_has_no_certificate_of_the_clients_authority_is_not_served() {
    let server = Server::start(&["--tls-client-ca", &file("ca.pem"), "--max-clients", "1"]);
    let none = server.client(&["say", "hello"]).assert();
    none.code(1).stdout("").stderr(contains("--tls-cert"));
    server.running.log_line("peer sent no certificates").now();

    let (certificate, key) = (file("stranger.pem"), file("stranger.key"));
    let strangers = [
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "say",
        "hello",
    ];
    let stranger = server.client(&strangers).assert();
    stranger
        .code(1)
        .stdout("")
        .stderr(contains("does not accept the certificate"));
    server.running.log_line("UnknownIssuer").now();

    let (certificate, key) = (file("client.pem"), file("client.key"));
    let own = [
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "say",
        "hello",
    ];
    served_again(&server, &own);
}

/// Its only slot is free again.
fn served_again(server: &Server, arguments: &[&str]) {
    let served = || server.client(arguments).output().unwrap().status.success();
    appears("served again", DEADLINE, || served().then_some(())).now();
}

#[test]
fn a_dripped_hello_is_cut_off_at_the_frames_deadline() {
    let server = Server::start(&["--frame-timeout", "600ms", "--max-clients", "1"]);
    let began = Instant::now();
    let mut socket = server.connect();
    socket
        .set_read_timeout(Some(Duration::from_millis(10)))
        .unwrap();
    let mut hello = hello_bytes().into_iter();
    // One byte at a time it would take seconds; each of them is progress.
    let ended = loop {
        assert!(began.elapsed() < DEADLINE, "it is not cut off");
        if let Some(byte) = hello.next() {
            let _ = socket.write_all(&[byte]);
        }
        match socket.read(&mut [0; 64]) {
            Ok(0) => break began.elapsed(),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => break began.elapsed(),
        }
    };
    assert!(ended >= Duration::from_millis(600), "{ended:?}");
    assert!(
        hello.next().is_some(),
        "the hello came whole, which proves nothing"
    );
    server.running.log_line("TooSlow").now();
    served_again(&server, &["say", "hello"]);
}

#[test]
fn a_silent_client_blocks_nobody() {
    let server = Server::start(&[]);
    let silent: Vec<_> = (0..20).map(|_| server.connect()).collect();
    let mut half: Vec<_> = (0..20).map(|_| server.connect()).collect();
    let hello = hello_bytes();
    for socket in &mut half {
        socket.write_all(&hello[..hello.len() / 2]).unwrap();
    }
    server.served();
    drop((silent, half));
}

#[test]
fn plain_text_at_a_tls_port_gets_no_plain_answer() {
    let server = Server::start(&["--max-clients", "1"]);
    for text in [
        &[PREAMBLE, WHO_AM_I].concat()[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"\n",
    ] {
        let mut socket = server.connect();
        socket.write_all(text).unwrap();
        let _ = socket.shutdown(Shutdown::Write);
        let mut came = Vec::new();
        socket.read_to_end(&mut came).unwrap();
        // An alert of TLS, 02 is fatal, or nothing.
        let is_alert = came.starts_with(&[0x15, 3, 3, 0, 2, 2]) && came.len() == 7;
        assert!(came.is_empty() || is_alert, "{came:02x?}");
        served_again(&server, &["say", "hello"]);
    }
    server.running.log_line("the TLS handshake failed").now();
}

#[test]
fn a_handshake_in_the_making_does_not_hold_up_a_drain() {
    let server = Server::start(&[]);
    let mut half = server.connect();
    half.write_all(&hello_bytes()[..40]).unwrap();
    let silent = server.connect();
    server.served();
    server.running.signal(Signal::TERM);
    server.running.exits_with(0).now();
    drop((half, silent));
}

#[test]
fn the_handshake_and_the_preamble_have_one_deadline() {
    let server = Server::start(&["--frame-timeout", "500ms"]);
    let began = Instant::now();
    let mut peer = server.handshake();
    peer.expect_error(super::wire::TOO_SLOW);
    assert!(began.elapsed() >= Duration::from_millis(500));
    peer.expect_signed_end();
}

#[test]
fn many_handshakes_at_once_are_all_served() {
    let server = Server::start(&["--workers", "2"]);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..10).for_each(|_| drop(server.served())));
        }
    });
}
