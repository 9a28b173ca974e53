//! The examples, as programs: what is copied must work.

#![cfg(unix)] // what starts them knows Unix alone

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Command, Output};
use std::time::Duration;

use scripted_peer::{
    Activation, Address, Listener, NotifySocket, Peer, Program, Running, Signal, Start, folder,
    frame, needs,
};
use shared_client::Client;
use shared_proto::tutorial::{Request, Response};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A program that ends with the test, and where it says that it listens.
fn start(program: impl AsRef<OsStr>, arguments: &[&str]) -> (Running, String) {
    start_as(|program| program, program, arguments)
}

fn start_as(
    prepare: impl FnOnce(Program) -> Program,
    program: impl AsRef<OsStr>,
    arguments: &[&str],
) -> (Running, String) {
    let program = prepare(Program::exactly(program));
    // A test ends when its waits give up, and no sooner. Building is not in that time.
    scripted_peer::deadline(4 * TIMEOUT);
    let mut running = program.patience(TIMEOUT).args(arguments).start();
    assert_eq!(running.listens_or_ends().now(), Start::Listens);
    let address = running.address().to_string();
    (running, address)
}

#[test]
fn the_counter_counts_for_all_clients_whatever_worker_serves_them() {
    let (_counter, address) = start(
        pair_tests::example("shared-server", "counter"),
        &["127.0.0.1:0", "--workers", "3"],
    );
    let connect = || {
        let stream = TcpStream::connect(&address).unwrap();
        Client::new(&address, stream, TIMEOUT).unwrap()
    };
    let mut clients: Vec<_> = (0..5).map(|_| connect()).collect();
    for client in &mut clients {
        let response: Response<'_> = client.call(&Request::Say("one")).unwrap();
        assert_eq!(response, Response::Accepted);
    }
    for (client, number) in clients.iter_mut().zip(6..) {
        let response: Response<'_> = client.call(&Request::Echo(b"?")).unwrap();
        let counted = (number - 1).to_string();
        assert_eq!(response, Response::Echo(counted.as_bytes().into()));
        let response: Response<'_> = client.call(&Request::WhoAmI).unwrap();
        assert_eq!(response, Response::Peer(format!("number {number}").into()));
    }
}

#[test]
fn requests_that_wait_are_ended_when_draining_begins_and_no_other_waits_from_then_on() {
    let ask_twice = [frame(b"\x03"), frame(b"\x03")].concat();
    let stopping = frame(b"\xFF\x01\0the server is stopping");
    let waiting = pair_tests::example("shared-server", "ch18_waiting");
    let arguments = ["127.0.0.1:0", "--workers", "2", "--drain-timeout", "1h"];
    let (news, address) = start(waiting, &arguments);
    let address = Address::Tcp(address.parse().unwrap());
    let connect = |requests: &[u8]| {
        let mut peer = Peer::connect(&address);
        peer.send([b"PSK\x01", &frame(b"\x02alive")[..], requests].concat());
        peer.expect(frame(b"\x82alive")).now();
        peer
    };
    // One at each worker. The first request of each is answered, and the second one waits.
    let mut early = [connect(&ask_twice), connect(&ask_twice)];
    connect(b"").send(frame(b"\x01hello"));
    for peer in &mut early {
        peer.expect(frame(b"\x83hello")).now();
    }
    let mut late = [connect(b""), connect(b"")];
    news.in_one_edge(|| {
        for peer in &mut late {
            peer.send(&ask_twice);
        }
        news.signal(Signal::TERM);
    });
    for peer in &mut early {
        peer.expect(&stopping).now();
        peer.expect_end().now();
    }
    for peer in &mut late {
        peer.expect([&stopping[..], &stopping].concat()).now();
        peer.expect_end().now();
    }
    news.exits_with(0).now();
}

#[test]
fn the_key_value_store_keeps_one_store_behind_both_doors_and_drains() {
    let client = pair_tests::program_of("key-value", "key-value-client");
    let folder = folder();
    let socket = folder.join("store.sock").display().to_string();
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--socket",
        &socket,
        "--workers",
        "3",
    ];
    let (store, address) = start(pair_tests::program("key-value"), &arguments);
    let (listen, same) = address.split_once(" and ").unwrap();
    assert_eq!(same, socket);
    let ask = |address: &str, command: &[&str]| -> Output {
        let mut client = Command::new(&client);
        client.env("RUST_BACKTRACE", "0");
        client.arg(address).args(command).output().unwrap()
    };
    let said = |output: Output| {
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let doors = [listen, &socket];
    for (at, door) in doors.into_iter().enumerate() {
        let other = doors[1 - at];
        let key = format!("key {at}");
        said(ask(door, &["set", &key, "a green value"]));
        assert_eq!(said(ask(other, &["get", &key])), "a green value");
        assert_eq!(
            said(ask(other, &["search", "green"])),
            format!("{}\n", at + 1)
        );
    }
    let none = ask(listen, &["del", "key 9"]);
    let told = String::from_utf8(none.stderr).unwrap();
    assert!(told.contains("has no such key"), "{told}");
    said(ask(listen, &["del", "key 0"]));
    assert_eq!(said(ask(&socket, &["search", "green"])), "1\n");

    store.signal(Signal::TERM).exits_with(0).now();
    assert!(!std::fs::exists(socket).unwrap(), "the path is removed");
}

#[test]
fn a_store_that_fails_while_it_serves_exits_with_1_and_one_that_does_not_start_with_2() {
    if !needs::linux() {
        return;
    }
    let program = pair_tests::program("key-value"); // before the test's time runs
    let folder = folder();
    let socket = folder.join("store.sock").display().to_string();
    let refused = Program::exactly(&program).args(["--listen", "127.0.0.1:0", "--socket"]);
    let refused = refused.arg("/proc/store.sock").start();
    let told = String::from_utf8(refused.exits_with(2).now().stderr).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.contains("cannot listen on /proc/store.sock: "),
        "{told}"
    );

    let strace = "strace -f -qq -o /dev/null -e trace='/^epoll_p?wait$'";
    let may_trace = Command::new("sh")
        .args(["-c", &format!("{strace} true")])
        .output();
    if !may_trace.is_ok_and(|output| output.status.success()) {
        needs::skip("strace is not installed, or may not trace here");
        return;
    }
    // Each worker's second wait fails.
    let failing = format!("{strace} -e inject='/^epoll_p?wait$':error=EIO:when=2+");
    let arguments = ["--listen", "127.0.0.1:0", "--socket", &socket];
    let (store, address) = start_as(|program| program.inside(&failing), program, &arguments);
    let (listen, _) = address.split_once(" and ").unwrap();
    let _client = TcpStream::connect(listen).unwrap();
    let told = String::from_utf8(store.exits_with(1).now().stderr).unwrap();
    assert!(told.contains("key-value: serving failed: "), "{told}");
}

#[test]
fn the_key_value_store_serves_the_doors_that_it_inherited_and_says_when() {
    // Built first: the test's time does not run yet, and a supervisor's queue would be full soon.
    let program = pair_tests::program("key-value");
    let client = pair_tests::program_of("key-value", "key-value-client");
    let (tcp, unix) = (Listener::tcp(), Listener::on_path());
    let doors = [tcp.address().to_string(), unix.address().to_string()];
    // In the order in which a unit may have them.
    let both = Activation::new()
        .listener("local", &unix)
        .listener("web", &tcp);
    let mut supervisor = NotifySocket::on_path();
    supervisor.patience(TIMEOUT);
    let born = |program: Program| {
        let program = program.activated(&both).notifies(&supervisor);
        program.watched(Duration::from_millis(400))
    };
    let (store, address) = start_as(born, program, &["--workers", "2"]);
    assert_eq!(address, doors.join(" and "));
    assert_eq!(supervisor.next_line().now(), "READY=1");
    assert_eq!(supervisor.next_line().now(), "WATCHDOG=1");
    for door in &doors {
        let mut client = Command::new(&client);
        let output = client
            .args([door, "set", "color", "green"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    store.signal(Signal::TERM).exits_with(0).now();
    supervisor.expect("STOPPING=1").now();
    assert!(
        !supervisor.take_lines().contains(&"STOPPING=1".to_owned()),
        "told once"
    );
    assert!(
        UnixStream::connect(unix.address().path()).is_ok(),
        "it still listens"
    );
}

#[test]
fn the_counter_serves_the_listener_that_it_inherited() {
    let program = pair_tests::example("shared-server", "counter"); // before the test's time runs
    let listener = Listener::tcp();
    let activation = Activation::new().listener("", &listener);
    let (_counter, address) = start_as(|program| program.activated(&activation), program, &[]);
    assert_eq!(address, listener.address().to_string());
    let stream = TcpStream::connect(&address).unwrap();
    let mut client = Client::new(&address, stream, TIMEOUT).unwrap();
    let response: Response<'_> = client.call(&Request::Say("one")).unwrap();
    assert_eq!(response, Response::Accepted);
}

/// A client of the store, which asks for a key and is told that there is none: it is served.
fn served<S: Read + Write>(mut stream: S) -> S {
    stream.write_all(b"PSK\x01\0\0\0\x02\x10k").unwrap();
    let mut reply = [0; 7];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(reply[4..], [0xFF, 1, 0], "error 256: no such key");
    stream
}

fn tcp_client(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    served(stream)
}

fn unix_client(path: &str) -> UnixStream {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    served(stream)
}

#[test]
fn two_doors_of_one_process_have_descriptors_for_the_clients_of_both() {
    const EACH: usize = 150;
    let folder = folder();
    let socket = folder.join("store.sock").display().to_string();
    let most = EACH.to_string();
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--socket",
        &socket,
        "--max-clients",
        &most,
    ];
    let few = |program: Program| program.after("ulimit -Sn 64");
    let (_store, address) = start_as(few, pair_tests::program("key-value"), &arguments);
    let (listen, _) = address.split_once(" and ").unwrap();
    let tcp: Vec<_> = (0..EACH).map(|_| tcp_client(listen)).collect();
    let unix: Vec<_> = (0..EACH).map(|_| unix_client(&socket)).collect();
    assert_eq!((tcp.len(), unix.len()), (EACH, EACH));
}

#[test]
fn two_doors_of_one_process_share_too_few_descriptors_equally_and_the_log_says_so_of_each() {
    let folder = folder();
    let socket = folder.join("store.sock").display().to_string();
    let arguments = ["--listen", "127.0.0.1:0", "--socket", &socket];
    let few = |program: Program| program.after("ulimit -n 100");
    let (store, address) = start_as(few, pair_tests::program("key-value"), &arguments);
    let (listen, _) = address.split_once(" and ").unwrap();

    let shares = [listen, &socket].map(|door| {
        let begins = format!("{door}: max-clients is ");
        store.logs(&begins).now();
        let log = store.stderr();
        let told = log.lines().find_map(|line| line.strip_prefix(&begins));
        let (share, wanted) = told.unwrap().split_once(" instead of ").unwrap();
        assert!(wanted.starts_with("1024: "), "{log}");
        share.parse::<usize>().unwrap()
    });
    assert_eq!(store.stderr().lines().count(), 2);
    assert!(shares[0].abs_diff(shares[1]) <= 1, "{shares:?}");
    assert!(shares[0] > 10, "{shares:?}");
    // Both at once have as many clients as they said.
    let tcp: Vec<_> = (0..shares[0]).map(|_| tcp_client(listen)).collect();
    let unix: Vec<_> = (0..shares[1]).map(|_| unix_client(&socket)).collect();
    assert_eq!([tcp.len(), unix.len()], shares);
}

#[test]
fn a_store_that_could_not_hold_a_client_at_each_door_refuses_to_start() {
    let program = pair_tests::program("key-value"); // before the test's time runs
    scripted_peer::deadline(8 * TIMEOUT);
    let mut refused = 0;
    for limit in 10..40 {
        let folder = folder();
        let socket = folder.join("store.sock").display().to_string();
        let mut store = Program::exactly(&program)
            .after(&format!("ulimit -n {limit}"))
            .patience(TIMEOUT)
            .args(["--listen", "127.0.0.1:0", "--socket", &socket])
            .start();
        if store.listens_or_ends().now() == Start::Listens {
            let address = store.address().to_string();
            let (listen, _) = address.split_once(" and ").unwrap();
            let _both = (tcp_client(listen), unix_client(&socket));
            continue;
        }
        refused += 1;
        store.exits_with(2).now();
        let log = store.stderr();
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.contains("open files"), "{log}");
    }
    assert!((10..30).contains(&refused), "{refused}");
}
