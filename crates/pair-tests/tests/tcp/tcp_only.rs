//! What is true of TCP alone.

use crate::pair::deadlines::ask_for_much;
use crate::pair::eventually;
use crate::pair::fake_server::tells;
use crate::pair::inherited::handed_on;
use crate::pair::peer::Peer;
use crate::pair::process::{client, client_program, server_program};
use crate::pair::server::{Server, Start};
use crate::transport::{Place, connect, inheritable};
use assert_cmd::Command;
use predicates::prelude::*;
use scripted_peer::needs;
use std::net::TcpListener;

#[test]
fn an_address_without_a_port_is_a_bad_argument() {
    for address in [
        "localhost",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        ":7878",
        "",
    ] {
        let mut command = Command::new(client_program());
        let assert = command.args(["--connect", address, "whoami"]).assert();
        let expected = predicate::str::contains("HOST:PORT");
        assert.code(2).stdout("").stderr(expected);
    }
}

#[test]
fn a_server_is_told_what_an_address_looks_like() {
    for address in ["localhost", "127.0.0.1", "127.0.0.1:65536", ""] {
        let mut server = Command::new(server_program());
        let assert = server.args(["--listen", address]).assert().code(2);
        tells(&assert.get_output().stderr, address, &["HOST:PORT"]);
    }
}

#[test]
fn a_name_that_nobody_has_is_told() {
    let address = "no-such-name.invalid:1";
    let assert = client(address).arg("whoami").assert().code(1).stdout("");
    tells(&assert.get_output().stderr, address, &["--connect"]);
}

#[test]
fn an_ipv4_client_is_named_as_such_on_a_dual_stack_socket() {
    let place = Place::new();
    if TcpListener::bind("[::]:0").is_err() {
        needs::skip("this machine has no IPv6");
        return;
    }
    let server = Start::new(&[]).at(&place, "[::]:0").run();
    let port = server.address.rsplit_once(':').unwrap().1;
    let client = client(&format!("127.0.0.1:{port}")).arg("whoami").assert();
    let starts = predicate::str::starts_with("tcp 127.0.0.1:");
    client.success().stdout(starts);

    let mut stranger = Peer::new(connect(&format!("127.0.0.1:{port}")).unwrap());
    stranger.send(b"GET");
    stranger.expect_error(1);
    let line = server.logs("BadPreamble");
    assert!(line.contains("tcp 127.0.0.1:"), "{line}");
}

#[test]
fn a_client_that_came_before_the_server_has_the_options_of_all() {
    if !needs::linux() {
        return;
    }
    let listener = inheritable();
    let early = scripted_peer::Peer::connect(listener.address());
    // The clients say nothing, and must not be cut off before both have been looked at.
    let server = Start::new(&["--frame-timeout", "1h"]);
    let server = server.activated(&handed_on(&listener)).run();
    let late = scripted_peer::Peer::connect(listener.address());
    for peer in [&early, &late] {
        let socket = server.socket_of(peer);
        assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
        assert!(socket.tcp_user_timeout().unwrap().is_some());
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), 256 * 1024);
    }
}

/// Bytes that wait to be sent from this port, and the connections they are of: `/proc/net/tcp`.
fn to_send(port: u16) -> (usize, u64) {
    const ESTABLISHED: &str = "01";
    let port = format!(":{port:04X}");
    let sockets = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let queues = sockets.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let ours = fields[1].ends_with(&port) && fields[3] == ESTABLISHED;
        ours.then(|| u64::from_str_radix(fields[4].split_once(':').unwrap().0, 16).unwrap())
    });
    let queues: Vec<u64> = queues.collect();
    (queues.len(), queues.iter().sum())
}

#[test]
fn what_a_client_that_does_not_read_holds_in_the_kernel_is_bounded() {
    if !needs::linux() {
        return;
    }
    let server = Server::start(&["--reply-timeout", "1h"]);
    let greedy: Vec<Peer> = (0..8)
        .map(|_| {
            let mut peer = server.greet();
            // What its own kernel takes for it is not the server's.
            rustix::net::sockopt::set_socket_recv_buffer_size(peer.stream(), 4096).unwrap();
            ask_for_much(&mut peer);
            peer
        })
        .collect();
    let port = server.address.rsplit_once(':').unwrap().1.parse().unwrap();
    let (_, bytes) = eventually("replies wait for all of them", || {
        let to_send = to_send(port);
        Some(to_send).filter(|(connections, bytes)| *connections == greedy.len() && *bytes > 0)
    });
    let each = bytes / greedy.len() as u64;
    assert!(each < 600 * 1024, "{each} bytes each");
    drop(greedy);
}
