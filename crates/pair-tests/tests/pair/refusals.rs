//! What the client says when it gets no answer: one line each, and exit code 1.

use super::fake_server::{FakeServer, tells};
use super::peer::{ACCEPTED, CLOSED, PREAMBLE, Peer, echoed, error, frame, say};
use super::process::{client, client_program, server_program};
use crate::transport::{ADDRESS_OPTION, IF_NOT_ALLOWED, Listener, SERVER, nobody};
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A timeout for the client, and the longest that the client may take with it: less than without the
/// timeout, but enough on a very busy machine.
const TIMEOUT: &str = "300ms";
const SOON: Duration = Duration::from_secs(9);

fn listens_and_answers(peer: &mut Peer, answer: &[u8]) {
    peer.expect(&[PREAMBLE, &say("hello")].concat());
    peer.send(answer);
}

#[test]
fn a_refusal_names_the_address_and_what_to_try() {
    let nobody = nobody();
    let address = nobody.address().to_string();
    let assert = client(&address)
        .args(["say", "hello"])
        .assert()
        .code(1)
        .stdout("");
    let words = ["nobody listens", SERVER, ADDRESS_OPTION];
    tells(&assert.get_output().stderr, &address, &words);
}

#[test]
fn a_server_that_never_answers_is_given_up_in_time() {
    let server = FakeServer::new(|peer| {
        peer.expect(&[PREAMBLE, &say("hello")].concat());
        peer.expect_end();
    });
    let started = Instant::now();
    server.fails(
        &["--timeout", TIMEOUT, "say", "hello"],
        &["within 300ms", "--timeout"],
    );
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

#[test]
fn a_drip_cannot_stretch_the_timeout() {
    let server = FakeServer::new(|peer| {
        let reply = echoed(&[0; 100_000]);
        let mut bytes = reply.iter();
        // A byte every 20 ms: each read of the client succeeds, and the reply would take half an
        // hour.
        while let Some(byte) = bytes.next()
            && peer.try_send(&[*byte]).is_ok()
        {
            thread::park_timeout(Duration::from_millis(20));
        }
        assert!(bytes.next().is_some(), "it waited for the whole reply");
    });
    let started = Instant::now();
    server.fails(
        &["--timeout", TIMEOUT, "echo", "hello"],
        &["within 300ms", "--timeout"],
    );
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

#[test]
fn a_server_that_never_reads_is_given_up_in_time() {
    let listener = Listener::new();
    let started = Instant::now();
    let mut client = client(&listener.address());
    client.args(["--timeout", TIMEOUT, "echo", "-"]);
    let assert = client
        .write_stdin(vec![0; 20_000_000])
        .assert()
        .code(1)
        .stdout("");
    tells(
        &assert.get_output().stderr,
        &listener.address(),
        &["within 300ms"],
    );
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

#[test]
fn a_trickling_reader_cannot_stretch_the_timeout() {
    let server = FakeServer::new(|peer| {
        let mut some = [0; 40_000];
        let mut stream = peer.stream();
        while matches!(stream.read(&mut some), Ok(1..)) {
            thread::park_timeout(Duration::from_millis(50));
        }
    });
    let started = Instant::now();
    let mut client = server.client(&["--timeout", TIMEOUT, "echo", "-"]);
    let assert = client
        .write_stdin(vec![0; 20_000_000])
        .assert()
        .code(1)
        .stdout("");
    tells(
        &assert.get_output().stderr,
        &server.address,
        &["within 300ms"],
    );
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    // What the sockets still hold would take it long to read: it is left to itself.
}

#[test]
fn an_answer_before_the_request_is_read_cannot_stretch_the_timeout() {
    // One server reads on in sips, and one reads nothing at all.
    for sip in [40_000, 0] {
        let is_gone = Arc::new(AtomicBool::new(false));
        let client_is_gone = Arc::clone(&is_gone);
        let server = FakeServer::new(move |peer| {
            peer.send(&echoed(b"early"));
            let (mut stream, mut some) = (peer.stream(), vec![0; sip]);
            while !client_is_gone.load(Ordering::Relaxed) {
                let _ = stream.read(&mut some);
                thread::park_timeout(Duration::from_millis(50));
            }
        });
        let started = Instant::now();
        let mut client = server.client(&["--timeout", "1s", "echo", "-"]);
        let assert = client.write_stdin(vec![b'q'; 20_000_000]).assert();
        is_gone.store(true, Ordering::Relaxed);
        assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
        let assert = assert.code(1).stdout("");
        tells(&assert.get_output().stderr, &server.address, &["its echo"]);
        server.join();
    }
}

#[test]
fn an_echo_of_something_else_is_not_printed() {
    for (came, how) in [
        (&b"\x1b[2J"[..], "at byte 0"),
        (b"hellO", "at byte 4"),
        (b"hello!", "6 bytes, 5 were sent"),
        (b"", "0 bytes, 5 were sent"),
    ] {
        let server = FakeServer::new(move |peer| {
            peer.expect(&[PREAMBLE, &frame(2, b"hello")].concat());
            peer.send(&echoed(came));
        });
        let words = ["does not speak this protocol", how];
        server.fails(&["echo", "hello"], &words);
    }
}

#[test]
fn a_closing_error_is_told_by_name_with_its_text_and_what_to_try() {
    for (code, name, try_this) in [
        (1, "BadPreamble", "client that came with"),
        (2, "TooLarge", "--max-frame"),
        (5, "Busy", "--max-clients"),
        (6, "TooSlow", "--frame-timeout"),
        (7, "Draining", "shutting down"),
        (8, "NotAllowed", IF_NOT_ALLOWED),
        (9, "Internal", "log"),
    ] {
        let server =
            FakeServer::new(move |peer| listens_and_answers(peer, &error(code, "because")));
        server.fails(&["say", "hello"], &[name, "because", try_this]);
    }
}

#[test]
fn no_advice_names_an_option_that_this_pair_lacks() {
    let help = [client_program(), server_program()].map(|program| {
        let help = Command::new(program).arg("--help").output().unwrap();
        String::from_utf8(help.stdout).unwrap()
    });
    for code in (0..=10).chain([255, 256, u16::MAX]) {
        let server = FakeServer::new(move |peer| listens_and_answers(peer, &error(code, "no")));
        let client = server.client(&["say", "hello"]).assert().code(1);
        let told = String::from_utf8(client.get_output().stderr.clone()).unwrap();
        let options = told
            .split_whitespace()
            .filter(|word| word.starts_with("--"));
        for option in options {
            let known = help.iter().any(|help| help.contains(&format!("{option} ")));
            assert!(known, "{option} in {told}");
        }
        server.join();
    }
}

#[test]
fn an_error_sent_at_accept_is_told_although_the_server_never_read() {
    let server = FakeServer::new(|peer| {
        peer.send(&error(5, "full"));
        peer.half_close();
        peer.drain();
    });
    server.fails(&["say", "hello"], &["Busy", "full"]);
}

#[test]
fn an_error_that_leaves_the_connection_open_fails_a_command_too() {
    for (code, name) in [(3, "Malformed"), (4, "NotText"), (77, "error 77")] {
        let server = FakeServer::new(move |peer| listens_and_answers(peer, &error(code, "no")));
        server.fails(&["say", "hello"], &[name, "no"]);
    }
}

#[test]
fn an_early_end_of_stream_is_told() {
    for cut in [0, 3, 5, 8] {
        let reply = echoed(b"hello");
        let server = FakeServer::new(move |peer| {
            peer.expect(&[PREAMBLE, &frame(2, b"hello")].concat());
            peer.send(&reply[..cut]);
        });
        server.fails(&["echo", "hello"], &["closed the connection before", "log"]);
    }
}

#[test]
fn a_reset_is_told_as_an_early_end() {
    let server = FakeServer::new(|peer| {
        peer.expect(PREAMBLE);
        // Closing with unread input resets, over TCP and over a Unix socket.
    });
    server.fails(&["say", "hello"], &["closed the connection before", "log"]);
}

#[test]
fn a_peer_of_another_protocol_is_told_as_one() {
    for (greeting, seen) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "\"HTTP\""),
        (b"SSH-2.0-OpenSSH_9.7\r\n", "\"SSH-\""),
        (b"220 mail.example ESMTP\r\n", "\"220 \""),
        (b"\x15\x03\x01\0\x02\x02\x46", "\\x15\\x03\\x01\\x00"),
        (b"\xff\xff\xff\xff", "\\xff\\xff\\xff\\xff"),
        (b"\0\0\0\0", "length 0"),
        (b"\0\0\0\x01\x42", "kind 42"),
        (b"\0\0\0\x02\x81x", "kind 81"),
        (b"\0\0\0\x02\xff\0", "kind ff"),
        (CLOSED, "kind 85"),
    ] {
        // It stays open, as such servers do, and says no more.
        let server = FakeServer::new(move |peer| {
            peer.send(greeting);
            peer.drain();
        });
        let words = ["does not speak this protocol", seen, SERVER, ADDRESS_OPTION];
        server.fails(&["say", "hello"], &words);
    }
}

#[test]
fn what_a_server_sends_cannot_move_the_cursor() {
    let text = "\x1b[2J\r\nall is well\u{9b}1m\u{202e}";
    let server = FakeServer::new(move |peer| listens_and_answers(peer, &error(9, text)));
    server.fails(
        &["say", "hello"],
        &["Internal", "\\u{1b}[2J\\r\\nall is well"],
    );

    let server = FakeServer::new(|peer| peer.send(&frame(0x83, b"tcp \x1b[2J")));
    server
        .client(&["whoami"])
        .assert()
        .success()
        .stdout("tcp \\u{1b}[2J\n");
    server.join();
}

#[test]
fn a_reply_in_pieces_is_one_reply() {
    let server = FakeServer::new(|peer| {
        for byte in echoed(b"hello") {
            peer.send(&[byte]);
        }
        peer.drain();
    });
    server
        .client(&["echo", "hello"])
        .assert()
        .success()
        .stdout("hello")
        .stderr("");
    server.join();
}

#[test]
fn nobody_reading_the_output_is_no_reason_to_panic() {
    let server = FakeServer::new(|peer| listens_and_answers(peer, ACCEPTED));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(client_program());
    command.args([ADDRESS_OPTION, &server.address, "say", "hello"]);
    let child = command.stdout(writer).stderr(Stdio::piped()).spawn();
    let output = child.unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stderr, b"");
    server.join();
}
