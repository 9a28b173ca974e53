//! A stranger's service with messages of its own, served by this crate in this process.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use shared_client::{CallError, Client, Failure};
use shared_server::{
    Answer, BadMessage, Context, Decode, ErrorCode, Event, Frame, Handle, Later, Limits, Message,
    Outcome, Server, Service, ServiceCode, ServiceError, Supervisor, Ticket, TutorialService,
};
use tcp_server::TcpTransport;

const TIMEOUT: Duration = Duration::from_secs(30);
const NOT_TODAY: ServiceCode = ServiceCode::new(300);

/// Kind 20 and some text.
#[derive(Debug, Clone, Copy)]
struct Ask<'a>(&'a str);

/// Kind A0 and some text.
#[derive(Debug, PartialEq, Eq)]
struct Tell(String);

impl<'a> Decode<'a> for Ask<'a> {
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
        match frame.kind {
            0x20 => frame.text().map(Ask),
            kind => Err(BadMessage::UnknownKind(kind)),
        }
    }
}

impl Message for Ask<'_> {
    fn kind(&self) -> u8 {
        0x20
    }

    fn body(&self) -> Cow<'_, [u8]> {
        self.0.as_bytes().into()
    }
}

impl<'a> Decode<'a> for Tell {
    fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
        match frame.kind {
            0xA0 => Ok(Tell(frame.text()?.to_owned())),
            kind => Err(BadMessage::UnknownKind(kind)),
        }
    }
}

impl Message for Tell {
    fn kind(&self) -> u8 {
        // An Error of the protocol's, if it could.
        if self.0 == "forge" { 0xFF } else { 0xA0 }
    }

    fn body(&self) -> Cow<'_, [u8]> {
        self.0.as_bytes().into()
    }
}

/// What all workers share: the count of requests, and who is to be answered later.
struct Oracle {
    asked: Arc<Mutex<HashMap<String, u64>>>,
    later: Sender<Later<Oracle>>,
    kept: Option<Ticket>,
}

impl Clone for Oracle {
    fn clone(&self) -> Self {
        Self {
            asked: Arc::clone(&self.asked),
            later: self.later.clone(),
            kept: None,
        }
    }
}

impl Oracle {
    /// Returns a service, and the answers that it is to give later.
    fn new() -> (Self, Receiver<Later<Self>>) {
        let (later, laters) = channel();
        let oracle = Self {
            asked: Arc::default(),
            later,
            kept: None,
        };
        (oracle, laters)
    }
}

impl Service for Oracle {
    type Request<'a> = Ask<'a>;
    type Response<'a> = Tell;

    fn call<'a>(&mut self, Ask(text): Ask<'a>, context: &'a Context<'_, Self>) -> Answer<Tell> {
        match text {
            "panic" => panic!("as asked"),
            "later" => {
                let (later, ticket) = context.later();
                self.later.send(later).unwrap();
                Answer::Later(ticket)
            }
            // Its answer is dropped, and its ticket kept for another request.
            "keep" => {
                let (later, ticket) = context.later();
                drop(later);
                self.kept = Some(ticket);
                Answer::Now(Tell("kept".into()))
            }
            "kept" => Answer::Later(self.kept.take().expect("one was kept")),
            "forge" => Answer::Now(Tell("forge".into())),
            "refuse" => Answer::Error(ServiceError::new(NOT_TODAY, "not today")),
            "who" => Answer::Now(Tell(context.peer().to_string())),
            text => {
                let mut asked = self.asked.lock().unwrap();
                let count = asked.entry(text.to_owned()).or_default();
                *count += 1;
                Answer::Now(Tell(format!("{text} {count}")))
            }
        }
    }
}

struct Running {
    address: String,
    handle: Handle,
    laters: Receiver<Later<Oracle>>,
    thread: JoinHandle<Outcome>,
}

impl Running {
    fn start(limits: Limits) -> Self {
        let transport = TcpTransport::bind("127.0.0.1:0").unwrap();
        let address = transport.local_address().unwrap().to_string();
        let server = Server::new(transport, limits).unwrap();
        let handle = server.handle();
        let (oracle, laters) = Oracle::new();
        let thread = std::thread::spawn(move || server.run(|| oracle.clone()).unwrap());
        Self {
            address,
            handle,
            laters,
            thread,
        }
    }

    fn with_workers(workers: usize) -> Self {
        Self::start(Limits {
            workers: workers.try_into().unwrap(),
            ..Limits::default()
        })
    }

    fn client(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(&self.address).unwrap();
        Client::new(&self.address, stream, TIMEOUT).unwrap()
    }

    fn later(&self) -> Later<Oracle> {
        self.laters.recv_timeout(TIMEOUT).unwrap()
    }

    fn drain(self) -> Outcome {
        self.handle.drain();
        self.thread.join().unwrap()
    }
}

fn ask(client: &mut Client<TcpStream>, text: &str) -> Result<String, CallError> {
    client.call(&Ask(text)).map(|Tell(text)| text)
}

/// The code of the error that a call ended with, and whether the connection goes on.
fn code(outcome: Result<String, CallError>) -> (ErrorCode, bool) {
    match outcome.unwrap_err().failure() {
        Failure::Error { code, .. } => (*code, true),
        Failure::Refused { code, .. } => (*code, false),
        other => panic!("{other}"),
    }
}

#[test]
fn a_services_own_messages_travel_and_its_workers_count_together() {
    for workers in [1, 3] {
        let server = Running::with_workers(workers);
        let mut clients: Vec<_> = (0..6).map(|_| server.client()).collect();
        for (at, client) in clients.iter_mut().enumerate() {
            assert_eq!(ask(client, "up").unwrap(), format!("up {}", at + 1));
        }
        let own = clients[0].stream().local_addr().unwrap();
        assert_eq!(ask(&mut clients[0], "who").unwrap(), format!("tcp {own}"));
        assert_eq!(server.drain(), Outcome::Drained);
    }
}

#[test]
fn an_error_of_the_services_own_leaves_the_connection_open() {
    let server = Running::with_workers(1);
    let mut client = server.client();
    let refused = code(ask(&mut client, "refuse"));
    assert_eq!(refused, (ErrorCode::Service(NOT_TODAY), true));
    assert_eq!(ask(&mut client, "on").unwrap(), "on 1");
}

#[test]
fn a_panic_in_the_service_ends_that_one_connection() {
    for workers in [1, 3] {
        let server = Running::with_workers(workers);
        let mut bystanders: Vec<_> = (0..6).map(|_| server.client()).collect();
        for bystander in &mut bystanders {
            ask(bystander, "hello").unwrap();
        }
        let mut victim = server.client();
        let mut came = Vec::new();
        let asked = [Ask("before"), Ask("this too"), Ask("panic"), Ask("after")];
        let outcome = victim.call_many(&asked, |reply| {
            came.push(reply.decode::<Tell>()?.0);
            Ok(())
        });
        assert_eq!(came, ["before 1", "this too 1"]);
        let ended = code(outcome.map(|()| String::new()));
        assert_eq!(ended, (ErrorCode::Internal, false));
        for bystander in &mut bystanders {
            ask(bystander, "hello").unwrap();
        }
        assert_eq!(server.drain(), Outcome::Drained);
    }
}

#[test]
fn a_request_that_takes_long_delays_its_own_client_alone() {
    for workers in [1, 3] {
        let server = Running::with_workers(workers);
        let mut patient = server.client();
        let waiting = std::thread::spawn(move || {
            let mut came = Vec::new();
            patient
                .call_many(&[Ask("first"), Ask("later"), Ask("last")], |reply| {
                    came.push(reply.decode::<Tell>()?.0);
                    Ok(())
                })
                .unwrap();
            came
        });
        let later = server.later();
        let mut other = server.client();
        for round in 1..=100 {
            assert_eq!(ask(&mut other, "up").unwrap(), format!("up {round}"));
        }
        // What came behind the request that waits was not answered meanwhile.
        assert_eq!(ask(&mut other, "last").unwrap(), "last 1");
        later.answer(&Tell("at last".into()));
        assert_eq!(waiting.join().unwrap(), ["first 1", "at last", "last 2"]);
        assert_eq!(server.drain(), Outcome::Drained);
    }
}

#[test]
fn no_clock_of_the_clients_runs_while_its_answer_is_awaited() {
    let short = Duration::from_millis(50);
    let server = Running::start(Limits {
        frame_timeout: Duration::from_secs(5),
        idle_timeout: Some(short),
        ..Limits::default()
    });
    let mut client = server.client();
    let waiting = std::thread::spawn(move || {
        let outcome = ask(&mut client, "later");
        (client, outcome)
    });
    let later = server.later();
    // Long enough that a clock would have cut it: another client, idle from now on, is.
    let since = Instant::now();
    let mut idle = server.client();
    ask(&mut idle, "up").unwrap();
    let ended = idle.stream().read(&mut [0]).unwrap();
    assert_eq!((ended, since.elapsed() >= short), (0, true));
    later.answer(&Tell("at last".into()));
    assert_eq!(waiting.join().unwrap().1.unwrap(), "at last");
}

#[test]
fn an_answer_that_is_dropped_ends_its_client_with_internal() {
    let server = Running::with_workers(1);
    let mut client = server.client();
    let waiting = std::thread::spawn(move || ask(&mut client, "later"));
    drop(server.later());
    assert_eq!(code(waiting.join().unwrap()), (ErrorCode::Internal, false));
}

#[test]
fn an_answer_may_be_an_error_and_its_client_may_be_gone() {
    let server = Running::with_workers(1);
    let mut client = server.client();
    let waiting = std::thread::spawn(move || {
        let outcome = ask(&mut client, "later");
        (ask(&mut client, "on").unwrap(), outcome)
    });
    server
        .later()
        .fail(&ServiceError::new(NOT_TODAY, "after all"));
    let (on, outcome) = waiting.join().unwrap();
    assert_eq!(code(outcome), (ErrorCode::Service(NOT_TODAY), true));
    assert_eq!(on, "on 1");

    let gone = server.client();
    gone.stream()
        .write_all(b"PSK\x01\0\0\0\x06\x20later")
        .unwrap();
    let later = server.later();
    drop(gone);
    let mut other = server.client();
    ask(&mut other, "up").unwrap();
    later.answer(&Tell("to nobody".into()));
    assert_eq!(ask(&mut other, "up").unwrap(), "up 2");
}

/// Calls `check` until it returns `true`.
#[cfg(unix)]
fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let since = Instant::now();
    while !check() {
        assert!(since.elapsed() < TIMEOUT, "never: {what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

#[cfg(unix)]
#[test]
fn a_late_answer_shows_that_its_client_has_gone() {
    let server = Running::with_workers(1);
    let client = server.client();
    client
        .stream()
        .write_all(b"PSK\x01\0\0\0\x06\x20later")
        .unwrap();
    let later = server.later();
    ask(&mut server.client(), "up").unwrap(); // the loop went around
    assert!(!later.client_is_gone());
    // Closing with this option resets the connection.
    rustix::net::sockopt::set_socket_linger(client.stream(), Some(Duration::ZERO)).unwrap();
    drop(client);
    eventually("it shows", || later.client_is_gone());
    drop(later);

    let mut client = server.client();
    let waiting = std::thread::spawn(move || ask(&mut client, "later"));
    let later = server.later();
    server.handle.cut();
    waiting.join().unwrap().unwrap_err();
    eventually("a server that has ended shows too", || {
        later.client_is_gone()
    });
}

/// Clients that asked for an answer that comes later, and closed, all before the server looked.
#[cfg(unix)]
#[test]
fn a_client_that_closes_right_behind_its_request_holds_no_slot_until_its_answer() {
    use std::os::unix::net::UnixStream;
    use unix_server::UnixTransport;

    const MOST: usize = 3;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.sock");
    for workers in [1, 3] {
        let uids = vec![unix_server::own_uid().unwrap()];
        let transport = UnixTransport::bind(&path, 0o600, uids).unwrap();
        let limits = Limits {
            max_clients: MOST.try_into().unwrap(),
            workers: workers.try_into().unwrap(),
            ..Limits::default()
        };
        let server = Server::new(transport, limits).unwrap();
        for _ in 0..MOST {
            let mut client = UnixStream::connect(&path).unwrap();
            client
                .write_all(b"PSK\x01\0\0\0\x06\x20later\0\0\0\x03\x20up")
                .unwrap();
        }
        let handle = server.handle();
        let (oracle, laters) = Oracle::new();
        let serving = std::thread::spawn(move || server.run(|| oracle.clone()).unwrap());
        let laters: Vec<_> = (0..MOST)
            .map(|_| laters.recv_timeout(TIMEOUT).unwrap())
            .collect();
        eventually("the next client is served", || {
            let stream = UnixStream::connect(&path).unwrap();
            let mut client = Client::new(path.display().to_string(), stream, TIMEOUT).unwrap();
            client.call::<Tell>(&Ask("up")).is_ok()
        });
        eventually("all of them show it", || {
            laters.iter().all(Later::client_is_gone)
        });
        handle.drain();
        assert_eq!(serving.join().unwrap(), Outcome::Drained);
    }
}

#[test]
fn a_drain_waits_for_an_answer_until_its_deadline() {
    let server = Running::with_workers(1);
    let mut client = server.client();
    let waiting = std::thread::spawn(move || ask(&mut client, "later"));
    let later = server.later();
    server.handle.drain();
    later.answer(&Tell("in time".into()));
    assert_eq!(waiting.join().unwrap().unwrap(), "in time");
    assert_eq!(server.thread.join().unwrap(), Outcome::Drained);

    let server = Running::start(Limits {
        drain_timeout: Duration::from_millis(50),
        ..Limits::default()
    });
    let mut client = server.client();
    let waiting = std::thread::spawn(move || ask(&mut client, "later"));
    let later = server.later();
    server.handle.drain();
    assert_eq!(server.thread.join().unwrap(), Outcome::Cut);
    assert!(matches!(
        waiting.join().unwrap().unwrap_err().failure(),
        Failure::Ended
    ));
    later.answer(&Tell("too late".into()));
}

#[test]
fn events_are_told_to_who_asked_for_them() {
    let transport = TcpTransport::bind("127.0.0.1:0").unwrap();
    let address = transport.local_address().unwrap().to_string();
    let mut server = Server::new(transport, Limits::default()).unwrap();
    let (told, events) = channel();
    server.on_event(move |event| told.send(event.to_string()).unwrap());
    let handle = server.handle();
    let running = std::thread::spawn(|| server.run(TutorialService::default).unwrap());
    let mut stranger = TcpStream::connect(address).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let own = stranger.local_addr().unwrap();
    let told = events.recv_timeout(TIMEOUT).unwrap();
    assert!(
        told.starts_with(&format!("tcp {own}: BadPreamble: ")),
        "{told}"
    );
    drop(stranger);
    handle.drain();
    assert_eq!(running.join().unwrap(), Outcome::Drained);
}

#[test]
fn whoever_observes_a_server_takes_nothing_from_its_supervisor() {
    let transport = TcpTransport::bind("127.0.0.1:0").unwrap();
    let mut server = Server::new(transport, Limits::default()).unwrap();
    let (told, events) = channel();
    let observer = |name: &'static str| {
        let told = told.clone();
        move |event: &Event| told.send((name, event.to_string())).unwrap()
    };
    server.on_event(observer("before"));
    Supervisor::from_env().follow(&mut server, observer("supervised"));
    server.on_event(observer("after"));
    server.handle().drain();
    assert_eq!(
        server.run(TutorialService::default).unwrap(),
        Outcome::Drained
    );
    let events: Vec<_> = events.try_iter().collect();
    let each = ["before", "supervised", "after"].map(|name| (name, "draining".to_owned()));
    assert_eq!(events, each);
}

#[test]
fn a_ticket_of_another_request_and_a_kind_of_the_protocols_are_internal() {
    let server = Running::with_workers(1);
    let mut client = server.client();
    assert_eq!(ask(&mut client, "keep").unwrap(), "kept");
    assert_eq!(code(ask(&mut client, "kept")), (ErrorCode::Internal, false));

    let mut client = server.client();
    assert_eq!(
        code(ask(&mut client, "forge")),
        (ErrorCode::Internal, false)
    );
}

#[test]
fn the_longest_times_are_no_overflow() {
    let longest = Duration::MAX;
    let server = Running::start(Limits {
        frame_timeout: longest,
        reply_timeout: longest,
        idle_timeout: Some(longest),
        drain_timeout: longest,
        ..Limits::default()
    });
    assert_eq!(ask(&mut server.client(), "up").unwrap(), "up 1");
    assert_eq!(server.drain(), Outcome::Drained);
}
