//! What the client makes sure of, against servers that mean ill.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::thread;

use predicates::boolean::PredicateBooleanExt;
use predicates::str::contains;
use shared_client::{Client, Failure};
use shared_proto::tutorial::{Request, Response};
use tcp_client::tls::{Credentials, PemFile, ServerName, TlsConnector};

use super::harness::{DEADLINE, Server, client, client_program, connect, file, serve, serve_raw};
use super::wire::ACCEPTED;

#[test]
fn nothing_is_said_to_a_server_that_is_not_the_one() {
    for (certificate, why) in [
        ("impostor", "not trusted"),
        ("stranger", "not trusted"),
        ("expired", "expired"),
        ("other", "other.test"),
    ] {
        let (address, server) = serve(certificate, |mut stream| {
            let mut said = Vec::new();
            let outcome = stream.read_to_end(&mut said);
            (said, outcome.is_err())
        });
        let refused = client(&address, &["say", "secret"]).assert();
        refused
            .code(1)
            .stdout("")
            .stderr(contains(why).and(contains(&*address)));
        assert_eq!(server.join().unwrap(), (Vec::new(), true), "{certificate}");
    }
}

#[test]
fn a_good_server_under_another_name_is_not_the_one() {
    let server = Server::start(&[]);
    let mut other = server.client(&["--tls-name", "other.test", "say", "secret"]);
    other.ok().unwrap_err();
    let named = server
        .client(&["--tls-name", "pocket.test", "say", "hello"])
        .assert();
    named.success().stdout("accepted\n");
    let none = server
        .client(&["--tls-name", "no name", "say", "hello"])
        .assert();
    none.code(1).stderr(contains("--tls-name"));
}

#[test]
fn who_spoils_the_handshake_gets_no_plain_text() {
    for answer in [
        &b"PSK? speak plainly\n"[..],
        b"\0\0\0\x01\x81",
        b"\x15\x03\x03\0\x02\x02\x28",
        b"",
    ] {
        let (address, server) = serve_raw(move |mut socket| {
            let mut came = vec![0; 64 * 1024];
            let read = socket.read(&mut came).unwrap();
            came.truncate(read);
            socket.write_all(answer).unwrap();
            socket.shutdown(Shutdown::Write).unwrap();
            let _ = socket.read_to_end(&mut came);
            came
        });
        let refused = client(&address, &["say", "secret"]).assert();
        refused.code(1).stdout("").stderr(contains(&*address));
        let came = server.join().unwrap();
        assert_eq!(came[..2], [0x16, 3], "a hello");
        let tells = |word: &[u8]| came.windows(word.len()).any(|piece| piece == word);
        assert!(!tells(b"secret") && !tells(b"PSK\x01"), "{came:02x?}");
    }
}

#[test]
fn an_end_without_close_notify_is_told() {
    // In the midst of a reply, before it, and where the whole conversation is over.
    for (answer, lines) in [(&ACCEPTED[..3], "a\n"), (b"", "a\n"), (ACCEPTED, "a\n")] {
        let (address, server) = serve("server", move |mut stream| {
            stream.read_exact(&mut [0; 10]).unwrap();
            stream.write_all(answer).unwrap();
            stream.sock.shutdown(Shutdown::Write).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let mut cut = client(&address, &[]);
        let cut = cut.write_stdin(lines).assert();
        cut.code(1)
            .stderr(contains("truncated").and(contains("close_notify")));
        server.join().unwrap();
    }
}

#[test]
fn an_end_between_two_calls_is_noticed_before_anything_is_sent() {
    let (ended, end) = mpsc::channel();
    // It also sends session tickets, records in which a client finds no reply.
    let (address, server) = serve("server", move |mut stream| {
        stream.sock.set_nodelay(true).unwrap(); // what is written is there
        for _ in 0..2 {
            stream.read_exact(&mut [0; 10]).unwrap();
            stream.write_all(ACCEPTED).unwrap();
        }
        stream.conn.send_close_notify();
        stream.flush().unwrap();
        ended.send(()).unwrap();
        let mut more = [0; 64];
        stream.read(&mut more).map(|read| more[..read].to_vec())
    });
    let connector = TlsConnector::new(&Credentials {
        authorities: PemFile::new(file("ca.pem"), "--tls-ca"),
        own: None,
    });
    let name = ServerName::try_from("pocket.test").unwrap();
    let socket = connect(&address);
    let stream = connector.unwrap().connect(&name, socket, DEADLINE).unwrap();
    let mut client = Client::new(&*address, stream, DEADLINE).unwrap();
    for text in ["h", "hello"] {
        client.call::<Response<'_>>(&Request::Say(text)).unwrap();
    }
    end.recv_timeout(DEADLINE).unwrap();
    let outcome = client.call::<Response<'_>>(&Request::Say("again"));
    let error = outcome.unwrap_err();
    assert!(matches!(error.failure(), Failure::AlreadyEnded), "{error}");
    drop(client);
    assert_eq!(server.join().unwrap().unwrap(), Vec::<u8>::new());
}

#[test]
fn the_client_signs_its_own_end() {
    for arguments in [&["say", "hello"][..], &[]] {
        let (address, server) = serve("server", |mut stream| {
            let mut said = [0; 14];
            stream.read_exact(&mut said).unwrap();
            stream.write_all(ACCEPTED).unwrap();
            // An end without close_notify is an error here.
            let ends = stream.read_to_end(&mut Vec::new());
            stream.conn.send_close_notify();
            stream.flush().unwrap();
            ends.map_err(|error| error.kind())
        });
        let said = client(&address, arguments).write_stdin("hello\n").assert();
        said.success().stdout("accepted\n");
        assert_eq!(server.join().unwrap(), Ok(0));
    }
}

#[test]
fn a_server_that_never_shakes_hands_is_given_up_in_time() {
    let (address, server) = serve_raw(|mut socket| socket.read_to_end(&mut Vec::new()).is_ok());
    let silent = client(&address, &["--timeout", "300ms", "say", "hello"]).assert();
    silent
        .code(1)
        .stderr(contains("handshake").and(contains("--timeout")));
    server.join().unwrap();
}

#[test]
fn with_tls_on_one_side_alone_each_side_says_so() {
    let tls = Server::start(&[]);
    let plain = client_program(&tls.address).args(["say", "hello"]).assert();
    plain
        .code(1)
        .stdout("")
        .stderr(contains("does not speak this protocol"));
    let server = Server::plain();
    let tls = server.client(&["say", "hello"]).assert();
    tls.code(1)
        .stdout("")
        .stderr(contains("does not speak TLS"));
    let plain = client_program(&server.address)
        .args(["say", "hello"])
        .assert();
    plain.success().stdout("accepted\n");
}

#[test]
fn files_and_flags_that_do_not_fit_are_told_by_the_client() {
    let address = "127.0.0.1:9";
    for (arguments, code, why) in [
        (vec!["--tls-cert", "a"], 2, "--tls-ca"),
        (vec!["--tls-name", "a"], 2, "--tls-ca"),
        (vec!["--tls-ca", "/nowhere"], 1, "/nowhere"),
    ] {
        let mut told = client_program(address);
        let told = told
            .args(arguments)
            .args(["say", "hello"])
            .timeout(DEADLINE);
        told.assert().code(code).stderr(contains(why));
    }
    let (certificate, key) = (file("client.pem"), file("server.key"));
    let own = ["--tls-cert", &certificate, "--tls-key", &key, "whoami"];
    let told = client(address, &own).assert();
    told.code(1)
        .stderr(contains("does not belong").and(contains("server.key")));
}

#[test]
fn who_listens_in_reads_no_word_of_it() {
    let server = Server::start(&[]);
    let to = server.address.clone();
    let (address, between) = serve_raw(move |client| {
        let server = connect(&to);
        let (from_client, from_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let there = thread::spawn(move || passed_on(from_client, server));
        let back = passed_on(from_server, client);
        [there.join().unwrap(), back].concat()
    });
    let said = client(&address, &["echo", "a secret word"]).assert();
    said.success().stdout("a secret word");
    let seen = between.join().unwrap();
    for word in [&b"secret"[..], b"PSK\x01", b"word"] {
        let is_seen = seen.windows(word.len()).any(|piece| piece == word);
        assert!(!is_seen, "{}", word.escape_ascii());
    }
}

/// Passes on all that comes, and returns it.
fn passed_on(mut from: TcpStream, mut to: TcpStream) -> Vec<u8> {
    let mut seen = Vec::new();
    let mut some = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut some) {
        seen.extend_from_slice(&some[..read]);
        if to.write_all(&some[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    seen
}
