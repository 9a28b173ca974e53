//! The steps that are servers of their own speak the same frames as the finished one.

use shared_proto::{Connection, Request, Response};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Step {
    child: Child,
    address: String,
}

impl Step {
    /// `cargo test -p tcp-server` builds the examples beside the folder that this test is in.
    fn start(name: &str) -> Step {
        let test = std::env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).unwrap();
        let program: PathBuf = profile
            .join("examples")
            .join(name)
            .with_extension(std::env::consts::EXE_EXTENSION);
        let mut child = Command::new(&program)
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .expect(&line)
            .to_owned();
        Step { child, address }
    }

    fn connect(&self) -> Connection<TcpStream> {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        Connection::client(stream)
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn next(client: &mut Connection<TcpStream>) -> String {
    let frame = client.receive().unwrap().expect("a response, not the end");
    format!("{:?}", Response::decode(frame).unwrap())
}

fn every_request_is_answered_in_order(step: &Step) {
    let _silent = step.connect(); // it blocks nobody
    let mut client = step.connect();
    for request in [
        Request::Say("hello"),
        Request::Echo(b"any \xFF bytes"),
        Request::WhoAmI,
        Request::Stats,
        Request::Close,
        Request::Say("nobody answers this"),
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
    let mut visitor = TcpStream::connect(&step.address).unwrap();
    visitor
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
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
