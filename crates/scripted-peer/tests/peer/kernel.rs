//! What the kernel says of a program: its descriptors, its sockets, and an address that says nothing.

use std::fs;
use std::time::{Duration, Instant};

use crate::common::{each, tcp, unix, verdict};
use crate::machine::{apart, is_the_machines};
use scripted_peer::{BlackHole, Kind, folder, line, needs, program};

#[test]
fn descriptors_have_kinds_flags_and_positions() {
    if !needs::linux() {
        return;
    }
    let folder = folder();
    fs::write(folder.join("file"), "its text").unwrap();
    let name = folder.join("file").display().to_string();
    let server = unix("opens-and-keeps");
    let mut peer = server.connect();
    peer.send(line(&name)).expect(line("done"));
    let all = server.descriptors();
    let numbers: Vec<u32> = all.iter().map(|one| one.number).collect();
    assert_eq!(numbers[..3], [0, 1, 2]);
    let kinds: Vec<Kind> = all.iter().map(|one| one.kind).collect();
    assert_eq!(kinds[1..3], [Kind::Pipe, Kind::Pipe]);
    assert_eq!(
        kinds.iter().filter(|kind| **kind == Kind::Socket).count(),
        2
    );
    let file = all.iter().find(|one| one.name == name).unwrap();
    assert_eq!((file.kind, file.position), (Kind::File, 3));
    assert!(file.close_on_exec && !file.non_blocking && file.readable && !file.writable);
    assert!(!all[1].close_on_exec && all[1].writable && !all[1].readable);
}

#[test]
fn a_program_that_closes_what_it_opened_has_what_it_had() {
    if !needs::linux() {
        return;
    }
    let folder = folder();
    fs::write(folder.join("file"), "its text").unwrap();
    let name = folder.join("file").display().to_string();
    let server = unix("opens");
    let before = server.descriptors();
    let mut peer = server.connect();
    for _ in 0..100 {
        peer.send(line(&name)).expect(line("done"));
    }
    peer.close();
    server.expect_descriptors(&before);
    let text = verdict(move || {
        let patience = Duration::from_millis(300);
        let server = program!()
            .patience(patience)
            .arg("opens-and-keeps")
            .listen();
        let before = server.descriptors();
        let mut peer = server.connect();
        peer.send(line(&name)).expect(line("done"));
        server
            .expect_descriptors(&before)
            .or_explain("Close it.", "");
    });
    let text = text.unwrap();
    assert!(text.contains(" descriptors that it had before"), "{text}");
    assert!(
        text.contains("got        2 more: ") && text.contains("/file)"),
        "{text}"
    );
    assert!(text.contains("Close it."), "{text}");
}

#[test]
fn a_copy_of_the_programs_socket_tells_its_options() {
    if !needs::linux() {
        return;
    }
    for server in each("counts-reads") {
        let mut peer = server.connect();
        peer.send("abc").expect(line("3"));
        let copy = server.socket_of(&peer).now();
        assert!(copy.keepalive().is_ok_and(|set| !set));
        assert!(copy.peer_addr().is_ok());
        drop(copy);
        peer.send("x").expect(line("1"));
        peer.half_close();
        peer.expect(line("0"));
        peer.expect_end();
    }
}

#[test]
fn a_connection_that_nobody_accepts_has_no_copy() {
    if !needs::linux() {
        return;
    }
    for on_path in [false, true] {
        let text = verdict(move || {
            let patience = Duration::from_millis(300);
            let server = program!().patience(patience).arg("counts-reads");
            let server = if on_path {
                server.listen_on_path()
            } else {
                server.listen()
            };
            // One client at a time: the second waits in the queue.
            let _first = server.connect();
            let second = server.connect();
            drop(server.socket_of(&second).or_explain("Accept it.", ""));
        });
        let text = text.unwrap();
        assert!(
            text.contains("expected   the program to accept this connection"),
            "{text}"
        );
        assert!(text.contains("Accept it."), "{text}");
    }
}

#[test]
fn keepalive_is_seen_without_waiting_for_a_probe() {
    if !needs::linux() {
        return;
    }
    let minute = Duration::from_secs(60);
    let began = Instant::now();
    let server = tcp("keepalive-soon");
    let due = server.expect_keepalive(&server.connect(), minute).now();
    assert!(due <= Duration::from_secs(20), "{due:?}");
    assert!(began.elapsed() < Duration::from_secs(15));
    for (manner, got) in [
        ("default", "got        the first probe is due in 7"),
        ("never", "got        no keepalive on this connection"),
    ] {
        let text = verdict(move || {
            let server = program!().arg(format!("keepalive-{manner}"));
            let server = server.patience(Duration::from_millis(600)).listen();
            let peer = server.connect();
            let _ = server
                .expect_keepalive(&peer, minute)
                .or_explain("Soon.", "");
        });
        let text = text.unwrap();
        assert!(text.contains(got) && text.contains("Soon."), "{text}");
    }
}

#[test]
fn a_black_hole_says_nothing() {
    if !needs::linux() {
        return;
    }
    let hole = BlackHole::new();
    assert_eq!(hole.attempts(), 0);
    let address = hole.address().to_string();
    assert!(address.starts_with("127.0.0.2:"));
    let client = program!().args([&address, "tries"]).start();
    hole.expect_attempt();
    assert_eq!(hole.attempts(), 1);
    assert!(!client.has_ended());
    let text = verdict(move || {
        let patience = Duration::from_millis(300);
        let client = program!()
            .patience(patience)
            .args([&address, "tries"])
            .start();
        client.exits_with(0).or_explain("Don't wait for it.", "");
    });
    assert!(text.unwrap().contains("it was still running after 300ms"));
}

#[test]
fn a_black_hole_that_nobody_tries_says_so() {
    if !needs::linux() {
        return;
    }
    let text = verdict(|| {
        let hole = BlackHole::new();
        program!().args(["", "exits"]).start().ends().now();
        hole.expect_attempt().now();
    });
    let text = text.unwrap();
    assert!(
        text.contains("an attempt to connect to 127.0.0.2:"),
        "{text}"
    );
    assert!(
        text.contains("got        the program ended first"),
        "{text}"
    );
}

#[test]
fn a_machine_without_loopback_has_neither_hole_nor_broker() {
    for (kind, words) in [
        ("hole", "ip link set lo up"),
        ("broker", "ip link set lo up"),
    ] {
        if let Some(check) = apart("-n", "", kind) {
            is_the_machines(&check, words).now();
        }
    }
}

#[test]
fn a_program_that_has_ended_has_no_descriptors() {
    if !needs::linux() {
        return;
    }
    let text = verdict(|| {
        let server = tcp("waits");
        let before = server.descriptors();
        server.signal(scripted_peer::Signal::TERM).ends().now();
        server.expect_descriptors(&before).now();
    });
    assert!(text.unwrap().contains("got        it has ended"));
}

#[test]
fn a_black_hole_that_wakes_up_takes_who_tries_again() {
    if !needs::linux() {
        return;
    }
    let hole = BlackHole::new();
    let address = hole.address().to_string();
    let _client = program!().args([&address, "tries"]).start();
    hole.expect_attempt();
    hole.wake_up();
    let visitor = scripted_peer::appears("a visitor", Duration::from_secs(4), || hole.visitor());
    assert_eq!(visitor.now().local(), hole.address());
    assert_eq!(hole.attempts(), 0);
}
