//! The tutorial's pair: Python's and ours, client and server, in all four combinations, and each
//! alone against a peer that looks at the bytes.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use pocket_socket::{AF_INET, SOCK_STREAM, socket};

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

fn program(language: Language, name: &str) -> Command {
    match language {
        Language::Python => {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/listings/python");
            let mut command = Command::new("python3");
            command.arg(root.join(format!("{name}.py")));
            command
        }
        Language::Rust => Command::new(&EXAMPLES[usize::from(name == "accepted_client")]),
    }
}

/// A program that runs, and dies with the test.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(language: Language, name: &str, address: &str) -> Running {
        let mut command = program(language, name);
        command.arg(address).env("PYTHONIOENCODING", "utf-8");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (tell, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            // Read on when nobody listens: a full pipe would stop the program.
            for line in stdout.lines() {
                let _ = tell.send(line.unwrap());
            }
        });
        Running { child, lines }
    }

    fn server(language: Language) -> (Running, String) {
        let server = Running::start(language, "accepted_server", "127.0.0.1:0");
        let line = server.line();
        let address = line.strip_prefix("listening on ").expect(&line).to_owned();
        (server, address)
    }

    fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line in time")
    }

    /// What else it prints, and how it ends.
    fn finish(mut self) -> (Vec<String>, ExitStatus) {
        let mut printed = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => printed.push(line),
                Err(RecvTimeoutError::Timeout) => panic!("it doesn't end"),
                Err(RecvTimeoutError::Disconnected) => {
                    return (printed, self.child.wait().unwrap());
                }
            }
        }
    }

    /// Ends, and not well: an exception in Python, an error from `main` in Rust.
    fn fails(mut self) {
        self.child.stdin.take();
        assert!(!self.finish().1.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
            let (server, address) = Running::server(server_language);
            let mut client = Running::start(client_language, "accepted_client", &address);
            let long = "x".repeat(1500);
            let mut stdin = client.stdin();
            write!(
                stdin,
                "hello\nCafé €\n closed\r\n{long}\nCLOSE\nnever sent\n"
            )
            .unwrap();
            drop(stdin);

            let (printed, status) = client.finish();
            let accepted = "Received: accepted";
            assert_eq!(
                printed,
                [accepted, accepted, accepted, accepted, "connection closed"]
            );
            assert!(status.success());

            let (mut printed, status) = server.finish();
            assert!(printed.remove(0).starts_with("connection from 127.0.0.1:"));
            let cut = format!("Received: {}", &long[..1024]);
            let expected = [
                "Received: hello",
                "Received: Café €",
                "Received:  closed",
                &cut,
            ];
            assert_eq!(printed, [&expected[..], &["connection closed"]].concat());
            assert!(status.success());
        }
    }
}

#[test]
fn a_server_says_accepted_and_to_close_in_any_case_closed() {
    for language in languages() {
        let (server, address) = Running::server(language);
        let mut peer = connect(&address);
        for message in ["hello", "close ", "closed", "aé€😀"] {
            peer.write_all(message.as_bytes()).unwrap();
            expect(&mut peer, b"accepted");
        }
        peer.write_all(b"cLoSe").unwrap();
        expect(&mut peer, b"closed");
        assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
        let (printed, status) = server.finish();
        assert_eq!(printed.last().unwrap(), "connection closed");
        assert!(status.success());
    }
}

#[test]
fn a_server_answers_a_client_that_hung_up_for_ever() {
    for language in languages() {
        let (server, address) = Running::server(language);
        let mut peer = connect(&address);
        peer.shutdown(Shutdown::Write).unwrap();
        for _ in 0..1000 {
            expect(&mut peer, b"accepted");
        }
        drop(peer);
        server.fails();
    }
}

#[test]
fn a_server_dies_of_bytes_that_are_not_text() {
    for language in languages() {
        let (server, address) = Running::server(language);
        let mut peer = connect(&address);
        peer.write_all(b"\xff").unwrap();
        server.fails();
    }
}

#[test]
fn a_server_does_not_share_its_port() {
    for language in languages() {
        let (_server, address) = Running::server(language);
        Running::start(language, "accepted_server", &address).fails();
    }
}

#[test]
fn a_client_sends_each_line_bare_and_stops_at_closed() {
    for language in languages() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut client = Running::start(language, "accepted_client", &address);
        client
            .stdin()
            .write_all("one\naé€😀\nlast\nnever sent\n".as_bytes())
            .unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        for (message, reply) in [("one", "any answer"), ("aé€😀", "é"), ("last", "Closed")] {
            expect(&mut peer, message.as_bytes());
            peer.write_all(reply.as_bytes()).unwrap();
        }
        assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
        let (printed, status) = client.finish();
        assert_eq!(
            printed,
            ["Received: any answer", "Received: é", "connection closed"]
        );
        assert!(status.success());
    }
}

#[test]
fn a_client_waits_for_an_answer_to_nothing() {
    for language in languages() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut client = Running::start(language, "accepted_client", &address);
        client.stdin().write_all(b"\nnever sent\n").unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        // It waits: what we say unasked is taken for the answer, and nothing was sent before.
        peer.write_all(b"closed").unwrap();
        let mut sent = Vec::new();
        peer.read_to_end(&mut sent).unwrap();
        assert_eq!(sent, b"");
        assert!(client.finish().1.success());
    }
}

#[test]
fn a_client_ends_at_the_end_of_its_input() {
    for language in languages() {
        let (server, address) = Running::server(language);
        let mut client = Running::start(language, "accepted_client", &address);
        client.stdin().write_all(b"hello").unwrap();
        let (printed, status) = client.finish();
        assert_eq!(printed, ["Received: accepted", "connection closed"]);
        assert!(status.success());
        server.fails();
    }
}

#[test]
fn a_client_without_a_server_fails() {
    // Bound, so that nobody else gets the port, and not listened on.
    let unused = socket(AF_INET, SOCK_STREAM).unwrap();
    unused.bind(("127.0.0.1", 0)).unwrap();
    let address = unused.getsockname().unwrap().to_string();
    for language in languages() {
        Running::start(language, "accepted_client", &address).fails();
    }
}
