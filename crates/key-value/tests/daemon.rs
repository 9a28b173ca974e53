//! Does the daemon do what it promises?

use scripted_peer::{Address, Folder, Peer, Program, Running, Signal, folder, frame};

/// The daemon, and where it listens.
struct Daemon {
    program: Running,
    tcp: Address,
    unix: Address,
    _folder: Folder,
}

fn daemon() -> Daemon {
    let folder = folder();
    let path = folder.join("store.sock");
    let program = Program::new(env!("CARGO_BIN_EXE_key-value"))
        .args(["--listen", "127.0.0.1:0", "--workers", "2", "--socket"])
        .arg(path.display())
        .start();
    program.prints(&format!(" and {}\n", path.display())).now();
    let said = program.stdout();
    let tcp = said.split_whitespace().nth(2).unwrap().parse().unwrap();
    Daemon {
        program,
        tcp: Address::Tcp(tcp),
        unix: Address::Unix(path),
        _folder: folder,
    }
}

fn connect(address: &Address) -> Peer {
    let mut peer = Peer::connect(address);
    peer.send(b"PSK\x01");
    peer
}

fn message(kind: u8, body: &str) -> Vec<u8> {
    frame([&[kind], body.as_bytes()].concat())
}

#[test]
fn a_request_may_come_in_pieces() {
    let daemon = daemon();
    let mut peer = connect(&daemon.tcp);
    peer.drip(message(0x11, "color\0green"));
    peer.expect(message(0x91, "")).now();
}

#[test]
fn what_is_set_at_one_door_is_there_at_the_other() {
    let daemon = daemon();
    let mut tcp = connect(&daemon.tcp);
    tcp.send(message(0x11, "color\0green"));
    tcp.expect(message(0x91, "")).now();
    for _ in 0..2 {
        let mut unix = connect(&daemon.unix); // of the other worker, the second time
        unix.send(message(0x10, "color"));
        unix.expect(message(0x90, "green")).now();
    }
}

#[test]
fn a_request_that_came_before_the_signal_is_answered() {
    let daemon = daemon();
    let mut peer = connect(&daemon.unix);
    peer.send(message(0x11, "color\0green"));
    peer.expect(message(0x91, "")).now();
    daemon.program.in_one_edge(|| {
        peer.send(message(0x13, "green"));
        daemon.program.signal(Signal::TERM);
    });
    peer.expect(message(0x92, "\0\0\0\0\0\0\0\x01")).now();
    peer.expect_end().now();
    daemon.program.exits_with(0).now();
}
