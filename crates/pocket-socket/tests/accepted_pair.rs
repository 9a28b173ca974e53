//! The tutorial's pair: Python's and ours, client and server, in all four combinations, and each
//! alone against a peer that looks at the bytes.
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use pocket_socket::{AF_INET, SOCK_STREAM, socket};
use scripted_peer::{Exit, Program, Running, Start};

mod skipped;

/// Longer than anything here takes, by far.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Language {
    Python,
    Rust,
}

/// Both, or ours alone where there is no Python, which is said aloud and is a failure in CI.
fn languages() -> Vec<Language> {
    if Command::new("python3").arg("--version").output().is_ok() {
        return vec![Language::Python, Language::Rust];
    }
    skipped::skipped("python3 is not installed: only our pair is tested");
    vec![Language::Rust]
}

/// Our server and our client, built once, here: they are never stale.
static EXAMPLES: LazyLock<[PathBuf; 2]> = LazyLock::new(|| {
    ["accepted_server", "accepted_client"].map(|name| {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let build = escargot::CargoBuild::new()
            .manifest_path(manifest)
            .example(name);
        build.run().unwrap().path().to_owned()
    })
});

fn program(language: Language, name: &str) -> Program {
    match language {
        Language::Python => {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/listings/python");
            let script = root.join(format!("{name}.py"));
            Program::exactly("python3").arg(script.display())
        }
        Language::Rust => Program::exactly(&EXAMPLES[usize::from(name == "accepted_client")]),
    }
}

/// A program that runs, with its standard input open, and dies with the test.
fn start(language: Language, name: &str, address: &str) -> Running {
    let program = program(language, name).arg(address);
    // A test ends when its waits give up, and no sooner.
    scripted_peer::deadline(4 * PATIENCE);
    let program = program.env("PYTHONIOENCODING", "utf-8");
    program.typed().patience(PATIENCE).start()
}

fn server(language: Language) -> (Running, String) {
    let mut server = start(language, "accepted_server", "127.0.0.1:0");
    assert_eq!(server.listens_or_ends().now(), Start::Listens);
    let address = server.address().to_string();
    (server, address)
}

/// What it prints, but for where it listens, and how it ends.
fn finish(mut running: Running) -> (Vec<String>, Exit) {
    let output = running.close_stdin().ends().now();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(ToOwned::to_owned);
    let printed = lines.filter(|line| !line.starts_with("listening on "));
    (printed.collect(), output.exit)
}

/// Ends, and not well: an exception in Python, an error from `main` in Rust.
fn fails(running: Running) {
    assert_ne!(finish(running).1, Exit::Code(0));
}

fn connect(address: &str) -> TcpStream {
    let peer = TcpStream::connect(address).unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    peer
}

fn expect(peer: &mut TcpStream, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    peer.read_exact(&mut got).unwrap();
    assert_eq!(got, bytes);
}

#[test]
fn each_client_talks_to_each_server() {
    for server_language in languages() {
        for client_language in languages() {
            println!("{client_language:?} to {server_language:?}");
            let (server, address) = server(server_language);
            let mut client = start(client_language, "accepted_client", &address);
            let long = "x".repeat(1500);
            client.write(format!(
                "hello\nCafé €\n closed\r\n{long}\nCLOSE\nnever sent\n"
            ));

            let (printed, exit) = finish(client);
            let accepted = "Received: accepted";
            assert_eq!(
                printed,
                [accepted, accepted, accepted, accepted, "connection closed"]
            );
            assert_eq!(exit, Exit::Code(0));

            let (mut printed, exit) = finish(server);
            assert!(printed.remove(0).starts_with("connection from 127.0.0.1:"));
            let cut = format!("Received: {}", &long[..1024]);
            let expected = [
                "Received: hello",
                "Received: Café €",
                "Received:  closed",
                &cut,
            ];
            assert_eq!(printed, [&expected[..], &["connection closed"]].concat());
            assert_eq!(exit, Exit::Code(0));
        }
    }
}

#[test]
fn a_server_says_accepted_and_to_close_in_any_case_closed() {
    for language in languages() {
        let (server, address) = server(language);
        let mut peer = connect(&address);
        for message in ["hello", "close ", "closed", "aé€😀"] {
            peer.write_all(message.as_bytes()).unwrap();
            expect(&mut peer, b"accepted");
        }
        peer.write_all(b"cLoSe").unwrap();
        expect(&mut peer, b"closed");
        assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
        let (printed, exit) = finish(server);
        assert_eq!(printed.last().unwrap(), "connection closed");
        assert_eq!(exit, Exit::Code(0));
    }
}

#[test]
fn a_server_answers_a_client_that_hung_up_for_ever() {
    for language in languages() {
        let (server, address) = server(language);
        let mut peer = connect(&address);
        peer.shutdown(Shutdown::Write).unwrap();
        for _ in 0..1000 {
            expect(&mut peer, b"accepted");
        }
        drop(peer);
        fails(server);
    }
}

#[test]
fn a_server_dies_of_bytes_that_are_not_text() {
    for language in languages() {
        let (server, address) = server(language);
        let mut peer = connect(&address);
        peer.write_all(b"\xff").unwrap();
        fails(server);
    }
}

#[test]
fn a_server_does_not_share_its_port() {
    for language in languages() {
        let (_server, address) = server(language);
        fails(start(language, "accepted_server", &address));
    }
}

#[test]
fn a_client_sends_each_line_bare_and_stops_at_closed() {
    for language in languages() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut client = start(language, "accepted_client", &address);
        client.write("one\naé€😀\nlast\nnever sent\n").close_stdin();
        let (mut peer, _) = listener.accept().unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        for (message, reply) in [("one", "any answer"), ("aé€😀", "é"), ("last", "Closed")] {
            expect(&mut peer, message.as_bytes());
            peer.write_all(reply.as_bytes()).unwrap();
        }
        assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
        let (printed, exit) = finish(client);
        assert_eq!(
            printed,
            ["Received: any answer", "Received: é", "connection closed"]
        );
        assert_eq!(exit, Exit::Code(0));
    }
}

#[test]
fn a_client_waits_for_an_answer_to_nothing() {
    for language in languages() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut client = start(language, "accepted_client", &address);
        client.write("\nnever sent\n").close_stdin();
        let (mut peer, _) = listener.accept().unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        // It waits: what we say unasked is taken for the answer, and nothing was sent before.
        peer.write_all(b"closed").unwrap();
        let mut sent = Vec::new();
        peer.read_to_end(&mut sent).unwrap();
        assert_eq!(sent, b"");
        assert_eq!(finish(client).1, Exit::Code(0));
    }
}

#[test]
fn a_client_ends_at_the_end_of_its_input() {
    for language in languages() {
        let (server, address) = server(language);
        let mut client = start(language, "accepted_client", &address);
        client.write("hello").close_stdin();
        let (printed, exit) = finish(client);
        assert_eq!(printed, ["Received: accepted", "connection closed"]);
        assert_eq!(exit, Exit::Code(0));
        fails(server);
    }
}

#[test]
fn a_client_without_a_server_fails() {
    // Bound, so that nobody else gets the port, and not listened on.
    let unused = socket(AF_INET, SOCK_STREAM).unwrap();
    unused.bind(("127.0.0.1", 0)).unwrap();
    let address = unused.getsockname().unwrap().to_string();
    for language in languages() {
        fails(start(language, "accepted_client", &address));
    }
}
