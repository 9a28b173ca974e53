//! Handshakes of those who mean ill: whatever they send, nothing of it stays.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use fastrand::Rng;
use rustls::ClientConnection;
use scripted_peer::{appears, needs};

use super::harness::{DEADLINE, Server, file, hello, hello_bytes};

/// What came of a while of it.
fn flat_for(time: Duration, seed: u64) {
    if !needs::linux() {
        return;
    }
    let ca = file("ca.pem");
    let server = Server::start(&[
        "--frame-timeout",
        "300ms",
        "--max-clients",
        "64",
        "--tls-client-ca",
        &ca,
    ]);
    scripted_peer::deadline(time * 2 + DEADLINE * 2);
    let descriptors = server.running.figures().descriptors;
    let mut rng = Rng::with_seed(seed);
    let mut handshakes = 0_u64;
    // What a worker keeps for all is filled first.
    let mut attack = |time: Duration| {
        let began = Instant::now();
        while began.elapsed() < time {
            let open: Vec<Option<TcpStream>> =
                (0..16).map(|_| handshake(&server, &mut rng)).collect();
            handshakes += open.len() as u64;
        }
    };
    attack(time / 3);
    let (before, descriptors) = settled(&server, descriptors);
    attack(time - time / 3);
    let (after, _) = settled(&server, descriptors);
    let grown = after.saturating_sub(before);
    println!(
        "seed {seed}: {handshakes} hostile handshakes; {after} KiB, {grown} KiB more than after a third"
    );
    assert!(
        grown < 2 * 1024,
        "{grown} KiB more after {handshakes} handshakes, seed {seed}"
    );
    // Whoever means well is served, with all slots free.
    let (certificate, key) = (file("client.pem"), file("client.key"));
    let own = ["--tls-cert", &certificate, "--tls-key", &key, "stats"];
    let stats = server.client(&own).output().unwrap();
    let told = String::from_utf8(stats.stdout).unwrap();
    assert!(told.starts_with("connections_now 1\n"), "{told}");
}

/// Its memory in KiB and its descriptors, when all who came are gone and it has no more descriptors than
/// this. (One that has just started may still hold some that it is about to close.)
fn settled(server: &Server, descriptors: usize) -> (u64, usize) {
    let as_before = || {
        let now = server.running.figures();
        (now.descriptors <= descriptors).then_some((now.memory_kib, now.descriptors))
    };
    appears("no more descriptors than before", DEADLINE, as_before).now()
}

/// One handshake that comes to nothing. It may be left open, in the midst of something.
fn handshake(server: &Server, rng: &mut Rng) -> Option<TcpStream> {
    let mut socket = server.connect();
    socket
        .set_read_timeout(Some(Duration::from_millis(5)))
        .unwrap();
    let mut bytes = hello_bytes();
    match rng.u8(0..8) {
        // Changed here and there.
        0 => {
            for _ in 0..rng.usize(1..8) {
                let at = rng.usize(0..bytes.len());
                bytes[at] = rng.u8(..);
            }
            let _ = socket.write_all(&bytes);
        }
        // Cut.
        1 => {
            let _ = socket.write_all(&bytes[..rng.usize(0..bytes.len())]);
            let _ = socket.shutdown(Shutdown::Write);
        }
        // Dripped, and left.
        2 => {
            for byte in &bytes[..rng.usize(1..40)] {
                let _ = socket.write_all(&[*byte]);
            }
        }
        // Noise that begins as a record does.
        3 => {
            let mut noise = vec![0; rng.usize(1..40_000)];
            rng.fill(&mut noise);
            noise.splice(
                ..0,
                [rng.u8(20..25), 3, rng.u8(0..5), rng.u8(0..0x41), rng.u8(..)],
            );
            let _ = socket.write_all(&noise);
        }
        // The hello in many records, some of them empty, and not to its end.
        4 => {
            let _ = socket.write_all(&in_small_records(&bytes[5..], rng));
        }
        // A good hello, and nonsense behind it.
        5 => {
            let _ = socket.write_all(&bytes);
            let _ = socket.read(&mut [0; 4096]);
            let mut noise = vec![0; rng.usize(1..2_000)];
            rng.fill(&mut noise);
            noise.splice(..0, [0x17, 3, 3, 0, rng.u8(..)]);
            let _ = socket.write_all(&noise);
        }
        // A good handshake, changed on its way.
        6 => changed(&mut socket, hello(Some("client")), rng),
        // A good handshake without a certificate, or with a stranger's.
        _ => {
            let mut tls = hello(rng.bool().then_some("stranger"));
            let _ = tls.complete_io(&mut socket);
        }
    }
    let _ = socket.read(&mut [0; 4096]);
    rng.bool().then_some(socket)
}

fn in_small_records(message: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut records = Vec::new();
    let mut rest = &message[..rng.usize(1..=message.len())];
    while !rest.is_empty() {
        let size = rng.usize(0..30).min(rest.len());
        let length = u16::try_from(size).unwrap().to_be_bytes();
        records.extend([0x16, 3, 1, length[0], length[1]]);
        records.extend(&rest[..size]);
        rest = &rest[size..];
    }
    records
}

/// Shakes hands, and changes one byte of what is sent.
fn changed(socket: &mut TcpStream, mut tls: ClientConnection, rng: &mut Rng) {
    let changed_in = rng.u8(1..3);
    for flight in 0..4 {
        let mut bytes = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut bytes).unwrap();
        }
        if flight == changed_in && !bytes.is_empty() {
            let at = rng.usize(0..bytes.len());
            bytes[at] ^= 1 << rng.u8(0..8);
        }
        let _ = socket.write_all(&bytes);
        if tls.read_tls(socket).is_err() || tls.process_new_packets().is_err() {
            return;
        }
    }
}

#[test]
fn hostile_handshakes_leave_no_descriptor_and_no_memory() {
    flat_for(Duration::from_secs(6), 20);
}

#[test]
#[ignore = "10 minutes"]
fn ten_minutes_of_hostile_handshakes_leave_no_descriptor_and_no_memory() {
    flat_for(Duration::from_secs(600), fastrand::u64(..));
}
