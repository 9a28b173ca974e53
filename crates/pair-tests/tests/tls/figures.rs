//! What TLS costs. Build it for speed, and let nothing else run:
//! `cargo test --release -p pair-tests --features tls --test tls figures -- --ignored --nocapture`

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use scripted_peer::needs;

use super::harness::{Client, Server, connect};
use super::wire::{ACCEPTED, PREAMBLE, echo, say};

const ROUND_TRIPS: u32 = 2_000;
const ROUNDS: usize = 21;

/// How long a round trip takes, of many.
fn round_trip(stream: &mut (impl Read + Write), request: &[u8]) -> Duration {
    let mut reply = vec![0; request.len()];
    let began = Instant::now();
    for _ in 0..ROUND_TRIPS {
        stream.write_all(request).unwrap();
        stream.read_exact(&mut reply).unwrap();
    }
    began.elapsed() / ROUND_TRIPS
}

/// Keeps this thread, and the servers that it starts from now on, on one CPU. On several, the ratio
/// says where the scheduler put each pair: a wake-up on another CPU may take longer than the rest of
/// a round trip.
fn stay_on_one_cpu() {
    let allowed = sched_getaffinity(None).unwrap();
    let first = (0..CpuSet::MAX_CPU).find(|&cpu| allowed.is_set(cpu));
    let mut one = CpuSet::new();
    one.set(first.expect("this thread runs somewhere"));
    sched_setaffinity(None, &one).unwrap();
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

#[test]
#[ignore = "a measurement"]
fn a_round_trip_over_tls_costs_at_most_half_more() {
    stay_on_one_cpu();
    let (tls, plain) = (Server::start(&[]), Server::plain());
    let mut tls = tls.handshake().0;
    let mut plain = connect(&plain.address);
    tls.sock.set_nodelay(true).unwrap();
    plain.set_nodelay(true).unwrap();
    tls.write_all(PREAMBLE).unwrap();
    plain.write_all(PREAMBLE).unwrap();
    for size in [64, 1024, 16 * 1024] {
        let request = echo(&vec![b'x'; size]);
        let mut ratios = Vec::new();
        let (mut of_tls, mut of_plain) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let without = round_trip(&mut plain, &request).as_secs_f64();
            let with = round_trip(&mut tls, &request).as_secs_f64();
            of_tls.push(with * 1e6);
            of_plain.push(without * 1e6);
            ratios.push(with / without);
        }
        let ratio = median(ratios);
        println!(
            "{size} B: {:.1} us over TLS, {:.1} us plain, ratio {ratio:.2}",
            median(of_tls),
            median(of_plain),
        );
        assert!(size != 64 || ratio <= 1.5, "{ratio:.2}");
    }
}

#[test]
#[ignore = "a measurement"]
fn an_idle_client_beside_one_without_tls() {
    if !needs::linux() {
        return;
    }
    const CLIENTS: u32 = 2_000;
    let arguments = ["--max-clients", "4096"];
    let (tls, plain) = (Server::start(&arguments), Server::plain_with(&arguments));
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = Some(2 * u64::from(CLIENTS) + 100);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    let held = || {
        (
            tls.running.figures().memory_kib,
            plain.running.figures().memory_kib,
        )
    };
    let before = held();
    let over_tls: Vec<Client> = (0..CLIENTS).map(|_| tls.served()).collect();
    let without: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut socket = connect(&plain.address);
            socket
                .write_all(&[PREAMBLE, &say("hello")].concat())
                .unwrap();
            socket.read_exact(&mut [0; ACCEPTED.len()]).unwrap();
            socket
        })
        .collect();
    let after = held();
    let each = |before: u64, after: u64| (after - before) as f64 / f64::from(CLIENTS);
    println!(
        "{:.2} KiB over TLS, {:.2} KiB plain, for each of {CLIENTS} idle clients",
        each(before.0, after.0),
        each(before.1, after.1)
    );
    drop((over_tls, without));
}
