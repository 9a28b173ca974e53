//! The steps that are servers of their own speak the same frames as the finished one.

#![cfg(unix)] // what starts them knows Unix alone

use scripted_peer::{Program, Running};
use shared_proto::tutorial::{Request, Response};
use shared_proto::{Call, Connection, Decode, Reply};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// When a test gives up waiting.
const DEADLINE: Duration = Duration::from_secs(30);

struct Step(Running);

impl Step {
    fn start(name: &str) -> Step {
        Step(Step::program(name).listen())
    }

    fn program(name: &str) -> Program {
        let program = pair_tests::example("tcp-server", name);
        // A test ends when its waits give up, and no sooner. Building is not in that time.
        scripted_peer::deadline(4 * DEADLINE);
        Program::exactly(program).patience(DEADLINE)
    }

    fn stream(&self) -> TcpStream {
        let stream = TcpStream::connect(self.0.address().to_string()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    fn connect(&self) -> Connection<TcpStream> {
        Connection::client(self.stream())
    }
}

fn next(client: &mut Connection<TcpStream>) -> String {
    let frame = client.receive().unwrap().expect("a response, not the end");
    match Reply::<Response<'_>>::decode(frame).unwrap() {
        Reply::Response(response) => format!("{response:?}"),
        other => format!("{other:?}"),
    }
}

fn every_request_is_answered_in_order(step: &Step) {
    let _silent = step.connect(); // it blocks nobody
    let mut client = step.connect();
    for request in [
        Call::Request(Request::Say("hello")),
        Call::Request(Request::Echo(b"any \xFF bytes")),
        Call::Request(Request::WhoAmI),
        Call::Request(Request::Stats),
        Call::Close,
        Call::Request(Request::Say("nobody answers this")),
    ] {
        client.queue(&request);
    }
    client.flush().unwrap();
    assert_eq!(next(&mut client), "Accepted");
    assert!(next(&mut client).starts_with("Echo("));
    let own = client.stream().local_addr().unwrap();
    assert_eq!(next(&mut client), format!("Peer(\"tcp {own}\")"));
    assert!(next(&mut client).contains("requests: 4"));
    assert_eq!(next(&mut client), "Closed");
}

fn a_large_echo_comes_back_whole(step: &Step) {
    let body: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut client = step.connect();
    client.send(&Request::Echo(&body)).unwrap();
    let frame = client.receive().unwrap().unwrap();
    assert!(Response::decode(frame).unwrap() == Response::Echo(body.into()));
}

fn garbage_ends_one_connection(step: &Step) {
    let mut visitor = step.stream();
    visitor.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    // Hung up on, by an end or, since the rest of it was never read, by a reset.
    match visitor.read(&mut [0]) {
        Ok(bytes) => assert_eq!(bytes, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    let mut client = step.connect();
    client.send(&Request::Say("hello")).unwrap();
    assert_eq!(next(&mut client), "Accepted");
}

#[test]
fn a_thread_for_each_client_speaks_the_same_frames() {
    let step = Step::start("ch10_thread_per_client");
    every_request_is_answered_in_order(&step);
    a_large_echo_comes_back_whole(&step);
    garbage_ends_one_connection(&step);
}

#[test]
fn tokio_speaks_the_same_frames() {
    let step = Step::start("ch13_tokio");
    every_request_is_answered_in_order(&step);
    a_large_echo_comes_back_whole(&step);
    garbage_ends_one_connection(&step);
}

#[test]
fn no_step_panics_when_nobody_reads_its_log() {
    let frame = b"\0\0\0\x05hello";
    for (name, wrong, right) in [
        ("ch03_unshakeable", &b"hello"[..], &b"hello"[..]),
        ("ch04_frames", b"\xff\xff\xff\xff", frame),
        ("ch05_one_write", b"\xff\xff\xff\xff", frame),
        ("ch06_linger", b"\xff\xff\xff\xff", frame),
    ] {
        let (_, closed) = std::io::pipe().unwrap();
        let step = Step(Step::program(name).stderr_to(closed).listen());
        for _ in 0..3 {
            let mut visitor = step.stream();
            visitor.write_all(wrong).unwrap();
            let visitor = socket2::Socket::from(visitor);
            visitor.set_linger(Some(Duration::ZERO)).unwrap(); // a reset, for chapter 3
        }
        let mut client = step.stream();
        client.write_all(right).unwrap();
        assert_ne!(client.read(&mut [0; 99]).unwrap(), 0, "{name}");
    }
}

/// `eprintln!` panics where nobody reads standard error; from chapter 3 on, no server may.
#[test]
fn no_step_and_no_solution_uses_eprintln() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files: Vec<PathBuf> = Vec::new();
    for steps in ["tcp-server/examples", "unix-server/examples"] {
        files.extend(entries(&crates.join(steps)));
    }
    for chapter in entries(&crates.join("../solutions")) {
        let number = chapter.file_name().unwrap().to_string_lossy();
        if &*number > "03" {
            files.extend(entries(&chapter).map(|solution| solution.join("src/main.rs")));
        }
    }
    assert!(files.len() > 30, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("eprintln!"), "{}", file.display());
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
}

#[test]
fn the_keepers_experiment_shows_that_nobody_is_refused() {
    let mut keeper = std::process::Command::new(pair_tests::example("tcp-server", "ch16_keeper"));
    let keeper = keeper.arg("3").arg(pair_tests::program("tcp-server"));
    let output = keeper.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    let figures = |row: &str| -> Vec<usize> {
        let row = told
            .lines()
            .find_map(|line| line.strip_prefix(row))
            .expect(row);
        row.split_whitespace()
            .map(|figure| figure.parse().unwrap())
            .collect()
    };
    let (alone, kept) = (figures("the server binds"), figures("a keeper listens"));
    assert!(alone[0] >= 3 * 20 && kept[0] >= 3 * 20, "{told}");
    assert!(alone[1] > 0 && kept[1] == 0, "{told}");
}
