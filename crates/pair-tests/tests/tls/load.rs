//! Fairness, backpressure and bounds, with TLS in between.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use scripted_peer::{appears, needs};

use super::harness::{Client, DEADLINE, Server};
use super::wire::{ACCEPTED, PREAMBLE, echo, say};

/// Sends requests as fast as they are taken, and reads every reply, until it is told to end.
fn flood(mut peer: Client, answered: &AtomicU64, over: &AtomicBool) {
    let requests = say("flood").repeat(2_000);
    let mut replies = vec![0; 2_000 * ACCEPTED.len()];
    while !over.load(Ordering::Relaxed) {
        peer.send(&requests);
        peer.0.read_exact(&mut replies).unwrap();
        answered.fetch_add(2_000, Ordering::Relaxed);
    }
}

#[test]
fn a_flood_over_tls_does_not_starve_the_others() {
    const FLOODERS: usize = 4;
    let server = Server::start(&[]);
    let answered: Vec<AtomicU64> = (0..FLOODERS).map(|_| AtomicU64::new(0)).collect();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for answered in &answered {
            let peer = server.served();
            scope.spawn(|| flood(peer, answered, &over));
        }
        let all_flood = || {
            let flooded = |one: &AtomicU64| one.load(Ordering::Relaxed) > 0;
            answered.iter().all(flooded).then_some(())
        };
        appears("the flood", DEADLINE, all_flood).now();
        let began = Instant::now();
        let mut asking = server.served();
        for _ in 0..20 {
            asking.send(&say("hello"));
            asking.expect(ACCEPTED);
            // A newcomer's handshake, too.
            drop(server.served());
        }
        let took = began.elapsed();
        over.store(true, Ordering::Relaxed);
        assert!(took < DEADLINE, "{took:?}");
    });
}

#[test]
fn who_does_not_read_over_tls_is_cut_in_time_and_costs_little() {
    if !needs::linux() {
        return;
    }
    let server = Server::start(&["--reply-timeout", "1s"]);
    let before = server.running.figures().memory_kib;
    let mut deaf = server.served();
    let timeout = Some(Duration::from_millis(100));
    deaf.0.sock.set_write_timeout(timeout).unwrap();
    let request = echo(&[b'x'; 200_000]);
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < DEADLINE, "it is not cut");
        // Writes until nothing is taken any more, then until the connection is gone.
        match deaf.0.write_all(&request) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
            Ok(()) => {}
        }
    }
    server
        .running
        .log_line("replies were not read within 1s")
        .now();
    let grown = server
        .running
        .figures()
        .peak_memory_kib
        .saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} KiB");
    server.served();
}

#[test]
fn replies_larger_than_a_socket_takes_come_whole() {
    let server = Server::start(&["--max-frame", "8MiB"]);
    let mut peer = server.handshake();
    let body: Vec<u8> = (0..4_000_000_u32).map(|at| (at % 251) as u8).collect();
    let request = [PREAMBLE, &echo(&body)].concat();
    peer.send(&request);
    let mut head = [0; 5];
    peer.0.read_exact(&mut head).unwrap();
    assert_eq!(head[4], 0x82);
    let mut came = vec![0; body.len()];
    peer.0.read_exact(&mut came).unwrap();
    assert!(came == body, "the bytes that were sent");
}

#[test]
fn an_idle_client_over_tls_costs_little() {
    if !needs::linux() {
        return;
    }
    const CLIENTS: u64 = 200;
    let server = Server::start(&[]);
    // The first few fill what a worker keeps for all.
    let first: Vec<Client> = (0..20).map(|_| server.served()).collect();
    let before = server.running.figures().memory_kib;
    let idle: Vec<Client> = (0..CLIENTS).map(|_| server.served()).collect();
    let each = server.running.figures().memory_kib.saturating_sub(before) as f64 / CLIENTS as f64;
    println!("{each:.2} KiB for each of {CLIENTS} idle clients");
    assert!(each < 6.0, "{each} KiB");
    drop((first, idle));
}
