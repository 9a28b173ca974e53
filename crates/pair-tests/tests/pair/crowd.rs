//! The promises about many clients, and few descriptors. The figures are Linux's.

use super::eventually;
use super::limits::served;
use super::peer::{ACCEPTED, PREAMBLE, Peer, STATS, say};
use super::server::{Server, Start};
use super::wire::stats;
use rustix::process::{Resource, Rlimit, getrlimit, prlimit, setrlimit};
use scripted_peer::{Stopwatch, needs};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn max_clients_shrinks_where_the_hard_limit_on_descriptors_is_too_low() {
    let server = Start::new(&[]).after("ulimit -n 24").run();
    let line = server.logs("max-clients");
    assert!(line.contains("1024"), "{line}");
    assert_eq!(server.log().lines().count(), 1);

    let peers: Vec<Peer> = (0..40).map(|_| server.connect()).collect();
    let mut inside = Vec::new();
    for mut peer in peers {
        let _ = peer.try_send(&[PREAMBLE, STATS].concat());
        match peer.frame().expect("an answer, whichever") {
            (0x84, _) => inside.push(peer),
            // A refused client hangs up. Otherwise the server would linger for a second with each,
            // and it has few descriptors left.
            (0xFF, body) => assert_eq!(body[..2], [0, 5], "{body:?}"),
            other => panic!("{other:?}"),
        }
    }
    let served = inside.len();
    assert!((1..24).contains(&served), "{served} were served");
    drop(inside);
    for _ in 0..100 {
        eventually("served again", || {
            let mut peer = server.connect();
            let _ = peer.try_send(&[PREAMBLE, STATS].concat());
            (peer.frame()?.0 == 0x84).then_some(())
        });
    }
}

#[test]
fn a_server_that_could_not_hold_a_client_refuses_to_start() {
    let mut refused = 0;
    for limit in 8..30 {
        let mut server = Start::new(&[]).after(&format!("ulimit -n {limit}")).spawn();
        if server.begins_to_listen() {
            drop(served(&server));
            continue;
        }
        refused += 1;
        server.exits_with(2);
        let log = server.log();
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.contains("open files"), "{log}");
    }
    assert!((5..20).contains(&refused), "{refused}");
}

#[test]
fn the_soft_limit_on_descriptors_is_raised_as_needed() {
    let server = Start::new(&["--max-clients", "200"])
        .after("ulimit -Sn 50")
        .run();
    let peers: Vec<Peer> = (0..150).map(|_| served(&server)).collect();
    assert_eq!(server.log(), "");
    drop(peers);
}

#[test]
fn the_soft_limit_is_raised_before_the_workers_take_their_descriptors() {
    let server = Start::new(&["--workers", "100", "--max-clients", "20"])
        .after("ulimit -Sn 150")
        .run();
    drop(served(&server));
    assert_eq!(server.log(), "");
}

#[test]
fn workers_beyond_the_hard_limit_on_descriptors_are_refused_with_a_way_out() {
    let told = Start::new(&["--workers", "100"])
        .after("ulimit -n 100")
        .refused();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.contains("--workers") && told.contains("ulimit -Hn"),
        "{told}"
    );
}

#[test]
fn out_of_descriptors_it_waits_and_recovers() {
    if !needs::linux() {
        return;
    }
    let server = Server::start(&[]);
    let mut inside = served(&server);
    allow_no_more_descriptors(&server);
    let mut waiting: Vec<Peer> = (0..5).map(|_| server.greet()).collect();
    for peer in &mut waiting {
        peer.send(&say("hello"));
    }
    server.logs("cannot accept");

    // It does not spin meanwhile, and serves those who are in.
    let (computed, started) = (server.figures().cpu_seconds, Instant::now());
    while started.elapsed() < Duration::from_millis(600) {
        inside.send(&say("hello"));
        inside.expect(ACCEPTED);
        thread::park_timeout(Duration::from_millis(50));
    }
    let computed = server.figures().cpu_seconds - computed;
    assert!(computed < 0.2, "{computed} s");

    // A descriptor comes back, and with it the next client, one after the other.
    drop(inside);
    for mut peer in waiting {
        peer.expect(ACCEPTED);
    }
    let log = server.log();
    assert!(log.lines().count() < 10, "one line an event: {log}");
}

#[test]
fn a_client_that_leaves_any_worker_makes_room_at_once() {
    if !needs::linux() {
        return;
    }
    let server = Server::start(&["--workers", "2"]);
    // Workers take clients in turn, and the first one accepts.
    let (of_first, of_second): (Vec<Peer>, Vec<Peer>) =
        (0..5).map(|_| (served(&server), served(&server))).unzip();
    allow_no_more_descriptors(&server);
    let mut waiting: Vec<Peer> = of_second.iter().map(|_| server.greet()).collect();
    for peer in &mut waiting {
        peer.send(&say("hello"));
    }

    server.logs("cannot accept");

    let mut waits = Vec::new();
    for (leaving, next) in of_second.into_iter().zip(&mut waiting) {
        let watch = Stopwatch::start();
        drop(leaving);
        next.expect(ACCEPTED);
        waits.push(watch.elapsed());
    }
    // Without being told that there is room, it tries again after 100 ms: all but the first wait so
    // long. On a busy machine some wait although it was told.
    waits.sort();
    assert!(waits[2] < Duration::from_millis(50), "{waits:?}");
    drop(of_first);
}

#[test]
fn out_of_descriptors_the_log_takes_one_line_and_not_one_for_each_client() {
    if !needs::linux() {
        return;
    }
    let server = Server::start(&[]);
    let first = served(&server);
    allow_no_more_descriptors(&server);
    let mut waiting: Vec<Peer> = (0..200).map(|_| server.greet()).collect();
    server.logs("cannot accept");
    drop(first);
    // Each takes the descriptor of the one before it, and nobody waits when the last one is in.
    for mut peer in waiting.drain(..) {
        peer.send(&say("hello"));
        peer.expect(ACCEPTED);
    }
    // Again, one by one: each is the only one that waits.
    let mut inside = served(&server);
    for _ in 0..20 {
        let mut next = server.greet();
        next.send(&say("hello"));
        drop(inside);
        next.expect(ACCEPTED);
        inside = next;
    }
    let log = server.log();
    let lines = log.matches("cannot accept").count();
    assert!(
        (1..5).contains(&lines),
        "{lines} lines, one an event: {log}"
    );
}

/// From now on the next descriptor is one too many.
pub fn allow_no_more_descriptors(server: &Server) {
    let limit = Some(server.next_descriptor());
    let limit = Rlimit {
        current: limit,
        maximum: limit,
    };
    prlimit(Some(server.pid()), Resource::Nofile, limit).unwrap();
}

const CROWD: u64 = 10_000;

#[test]
fn ten_thousand_idle_clients_cost_next_to_nothing_and_the_active_do_not_feel_them() {
    if !needs::linux() {
        return;
    }
    if let Err(hard) = raise_limit(CROWD + 200) {
        let needed = CROWD + 200;
        needs::skip(&format!("needs {needed} descriptors, ulimit -Hn is {hard}"));
        return;
    }
    let server = Server::start(&["--max-clients", "10100"]);
    let mut active = served(&server);
    let before = server.figures().memory_kib;
    let idle: Vec<Peer> = (0..CROWD).map(|_| server.greet()).collect();
    let now = eventually("all of them are in", || {
        active.send(STATS);
        let (now, ..) = stats(&mut active);
        (u64::from(now) > CROWD).then_some(now)
    });
    assert_eq!(u64::from(now), CROWD + 1);

    let grown = server.figures().memory_kib.saturating_sub(before);
    let each = grown * 1024 / CROWD;
    assert!(each <= 512, "{each} bytes for each idle client");

    let computed = server.figures().cpu_seconds;
    for _ in 0..1000 {
        active.send(&say("hello"));
        active.expect(ACCEPTED);
    }
    // Looking at each of them in each turn would take 10 million looks.
    let computed = server.figures().cpu_seconds - computed;
    assert!(computed < 1.0, "{computed} s for 1000 requests");
    drop(server);
    drop(idle);
}

/// Raises this process's own limit; else says what the hard one is.
fn raise_limit(wanted: u64) -> Result<(), u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let new = Rlimit {
        current: Some(wanted),
        maximum,
    };
    match maximum {
        Some(hard) if hard < wanted => Err(hard),
        _ => setrlimit(Resource::Nofile, new).map_err(|_| wanted),
    }
}
