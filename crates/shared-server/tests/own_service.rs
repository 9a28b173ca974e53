//! A stranger's service, served by this crate.

use shared_proto::{Connection, ErrorCode};
use shared_server::{Handle, Limits, Outcome, Peer, Request, Response, Server, Service};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;
use tcp_server::TcpTransport;

const PATIENCE: Duration = Duration::from_secs(20);

fn connect(address: &str) -> Connection<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Connection::client(stream)
}

fn ask<S: Read + Write>(client: &mut Connection<S>, request: &Request<'_>) -> Response<'static> {
    client.send(request).unwrap();
    let frame = client.receive().unwrap().expect("a reply");
    match Response::decode(frame).unwrap() {
        Response::Echo(bytes) => Response::Echo(bytes.into_owned().into()),
        Response::Error { code, text } => Response::Error {
            code,
            text: text.into_owned().into(),
        },
        Response::Accepted => Response::Accepted,
        Response::Peer(name) => Response::Peer(name.into_owned().into()),
        other => panic!("not expected here: {other:?}"),
    }
}

/// The example, as a process that ends with the test.
struct Counter(Child, String);

impl Counter {
    fn start(address: &str) -> Counter {
        let example = escargot::CargoBuild::new()
            .package("shared-server")
            .example("counter")
            .current_release_or_debug()
            .run()
            .unwrap();
        let mut child = Command::new(example.path())
            .arg(address)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim_end()
            .strip_prefix("listening on ")
            .expect("its line")
            .to_owned();
        Counter(child, address)
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

trait SameProfile {
    fn current_release_or_debug(self) -> Self;
}

impl SameProfile for escargot::CargoBuild {
    fn current_release_or_debug(self) -> Self {
        if cfg!(debug_assertions) {
            self
        } else {
            self.release()
        }
    }
}

/// Clients on different workers, if there are several.
fn count_to_six<S: Read + Write>(connect: impl Fn() -> Connection<S>, peer: &str) {
    let mut clients: Vec<_> = (0..3).map(|_| connect()).collect();
    for client in &mut clients {
        for said in ["one", "two"] {
            assert_eq!(ask(client, &Request::Say(said)), Response::Accepted);
        }
    }
    for client in &mut clients {
        let counted = ask(client, &Request::Echo(b""));
        assert_eq!(counted, Response::Echo(b"6".into()));
        let who = ask(client, &Request::WhoAmI);
        assert!(
            matches!(&who, Response::Peer(name) if name.starts_with(peer)),
            "{who:?}"
        );
    }
}

#[test]
fn a_service_of_ones_own_is_served_over_tcp() {
    let counter = Counter::start("tcp:127.0.0.1:0");
    count_to_six(|| connect(&counter.1), "tcp 127.0.0.1:");
}

#[test]
#[cfg(unix)]
fn a_service_of_ones_own_is_served_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("counter.sock");
    let counter = Counter::start(&format!("unix:{}", path.display()));
    let connect = || {
        let stream = std::os::unix::net::UnixStream::connect(&counter.1).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Connection::client(stream)
    };
    count_to_six(connect, &format!("unix pid={} ", std::process::id()));
}

/// Panics when told to.
struct Fragile;

impl Service for Fragile {
    fn call<'a>(&mut self, request: Request<'a>, _peer: &Peer) -> Response<'a> {
        match request {
            Request::Say("panic") => panic!("as asked"),
            Request::Echo(bytes) => Response::Echo(bytes.into()),
            _ => Response::Accepted,
        }
    }
}

fn serve_fragile(workers: usize) -> (String, Handle, JoinHandle<Outcome>) {
    let transport = TcpTransport::bind("127.0.0.1:0").unwrap();
    let address = transport.local_address().unwrap().to_string();
    let limits = Limits {
        workers: workers.try_into().unwrap(),
        ..Limits::default()
    };
    let server = Server::new(transport, limits).unwrap();
    let handle = server.handle();
    (
        address,
        handle,
        std::thread::spawn(|| server.run(|| Fragile).unwrap()),
    )
}

#[test]
fn a_panic_in_the_service_ends_that_one_connection() {
    for workers in [1, 3] {
        let (address, handle, running) = serve_fragile(workers);
        let mut bystanders: Vec<_> = (0..6).map(|_| connect(&address)).collect();
        for bystander in &mut bystanders {
            assert_eq!(ask(bystander, &Request::Say("hello")), Response::Accepted);
        }
        let mut victim = connect(&address);
        victim.queue(&Request::Say("before"));
        victim.queue(&Request::Echo(b"this too"));
        victim.queue(&Request::Say("panic"));
        victim.queue(&Request::Say("after"));
        victim.flush().unwrap();
        let mut told = Vec::new();
        while let Some(frame) = victim.receive().unwrap() {
            told.push(match Response::decode(frame).unwrap() {
                Response::Error { code, .. } => format!("{code}"),
                other => format!("{other:?}"),
            });
        }
        let echo = format!("{:?}", Response::Echo(b"this too".into()));
        assert_eq!(told, ["Accepted", &echo, &ErrorCode::Internal.to_string()]);
        for bystander in &mut bystanders {
            assert_eq!(ask(bystander, &Request::Say("hello")), Response::Accepted);
        }
        handle.drain();
        assert_eq!(running.join().unwrap(), Outcome::Drained);
    }
}

#[test]
fn events_are_told_to_who_asked_for_them() {
    let transport = TcpTransport::bind("127.0.0.1:0").unwrap();
    let address = transport.local_address().unwrap().to_string();
    let mut server = Server::new(transport, Limits::default()).unwrap();
    let (told, events) = std::sync::mpsc::channel();
    server.on_event(move |event| told.send(event.to_string()).unwrap());
    let handle = server.handle();
    let running = std::thread::spawn(|| server.run(|| Fragile).unwrap());
    let mut stranger = TcpStream::connect(address).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let own = stranger.local_addr().unwrap();
    let told = events.recv_timeout(PATIENCE).unwrap();
    assert!(
        told.starts_with(&format!("tcp {own}: BadPreamble: ")),
        "{told}"
    );
    drop(stranger);
    handle.drain();
    assert_eq!(running.join().unwrap(), Outcome::Drained);
}
