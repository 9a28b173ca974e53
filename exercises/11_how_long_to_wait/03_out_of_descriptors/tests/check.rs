//! Does the server survive when it has no descriptor left for a client?

use std::thread;
use std::time::{Duration, Instant};

use scripted_peer::{
    Peer, Running, Signal, Stopwatch, Verdict, check, eventually, explain, needs, program,
};

const OUT: &str = "11-how-long-to-wait.html#when-accept-fails";
const GONE: &str = "11-how-long-to-wait.html#gone-before-you-accepted";

const MORE_THAN_FIT: &str = "More clients connected than there are descriptors, and the first \
                             clients are not served. An error from accept() is not a reason to \
                             exit. Keep serving the connected clients: they have done nothing \
                             wrong.";

/// A client gets its greeting, and a reply to a line.
fn is_served(peer: &mut Peer) {
    peer.expect("hello ").now();
    let (own, greeted) = (peer.local().to_string(), peer.next_line());
    let greeted = greeted.unwrap_or_default();
    check(
        greeted == own,
        format!("\"hello {own}\\n\""),
        format!("\"hello {greeted}\\n\""),
    )
    .or_explain(
        "The address in this greeting isn't the client's. Greet each client with the address that \
         accept() returned together with its stream. (local_addr() is the address of your \
         program's end of the connection.)",
        OUT,
    );
    peer.send("a line\n").expect("accepted\n").now();
}

/// More clients than a program with 24 descriptors can serve. The first of them are served.
fn too_many(server: &Running) -> Vec<Peer> {
    explain(MORE_THAN_FIT, OUT);
    let mut crowd = server.connect_many(30);
    crowd[..10].iter_mut().for_each(is_served);
    crowd
}

/// For a while, the program hardly runs, or it has ended. A program that retries every 10 ms
/// passes, because it waits. A program that retries immediately, or every millisecond, wakes up
/// hundreds of times, never sleeps, or fills its log as fast as the log is read.
fn comes_to_rest(server: &Running, bystander: &mut Peer) -> Verdict {
    let mut is_calm = || {
        let (before, told) = (server.figures(), server.stderr().len());
        let watch = Stopwatch::start();
        bystander.pause(Duration::from_millis(300));
        let (after, telling) = (server.figures(), server.stderr().len());
        let wakes = after.switches.saturating_sub(before.switches);
        let cpu_seconds = after.cpu_seconds - before.cpu_seconds;
        // A program that hardly gets any CPU time looks calm too, and that proves nothing.
        let had_its_turn = watch.kept() < Duration::from_millis(200);
        wakes < 50 && cpu_seconds < 0.03 && telling - told < 10_000 && had_its_turn
    };
    // Twice: on a busy machine a program that never sleeps may get no CPU for a while.
    eventually("twice 300 ms with few wakeups and little CPU time", || {
        server.has_ended() || is_calm() && is_calm()
    })
}

#[test]
fn waits_without_spinning() {
    if !needs::linux() {
        return;
    }
    let server = program!().limit("-n", 24).listen();
    let mut crowd = too_many(&server);
    comes_to_rest(&server, &mut crowd[0]).or_explain(
        "Your program didn't go to sleep while no descriptor was free. accept() fails immediately \
         with EMFILE, every time, because the next client is still waiting in the queue. If you \
         retry without a pause, the loop burns CPU. Wait until a client leaves, or for 100 ms.",
        OUT,
    );
    check(
        !server.has_ended(),
        "a program that keeps running",
        "it has ended",
    )
    .or_explain(MORE_THAN_FIT, OUT);
    explain(
        "There is no descriptor for a new client, and a client that is already connected is not \
         served. Running out of descriptors affects only new clients: keep serving the connected \
         ones.",
        OUT,
    );
    for inside in &mut crowd[..10] {
        inside.send("still here\n").expect("accepted\n").now();
    }
}

#[test]
fn recovers() {
    if !needs::linux() {
        return;
    }
    let server = program!().limit("-n", 24).listen();
    for is_long in [false, true] {
        let mut crowd = too_many(&server);
        // All 24, or fewer where a program keeps some in reserve.
        eventually("no further client to be accepted", || {
            let before = server.figures().descriptors;
            crowd[0].pause(Duration::from_millis(100)); // and the next accept has failed
            server.figures().descriptors == before
        })
        .now();
        if is_long {
            wait_until_it_has_looked(&server, &mut crowd[0]);
            explain(
                "For more than a second, no descriptor was free. Then some clients left, and the \
                 clients waiting in the queue were not served within a second. A pause that grows \
                 with each failure keeps them waiting even when descriptors are free again; a \
                 pause of 100 ms costs next to nothing. However often accept() fails, never exit \
                 because of it.",
                OUT,
            );
        } else {
            crowd[0].pause(Duration::from_millis(900));
            explain(
                "Some clients left, so there are free descriptors again, but the clients waiting \
                 in the queue were not served within a second. Try accept() again soon, don't \
                 reject any client, and don't exit.",
                OUT,
            );
        }
        // Not the first client: a program can't know which client leaves next.
        let (_stays, watch) = (crowd.remove(0), Stopwatch::start());
        for (number, mut peer) in crowd.into_iter().enumerate() {
            if number < 9 {
                peer.close();
            } else {
                peer.patience(Duration::from_millis(1900)); // a second, on a busy machine
                is_served(&mut peer);
                let (expected, got) = (
                    "all waiting clients to be served within a second",
                    "it took longer",
                );
                check(!watch.is_past(Duration::from_secs(1)), expected, got).now();
            }
        }
    }
}

/// Waits for a long time, and then until the program has retried once more and sleeps again: if its
/// pauses grow, this pause is the longest. If it doesn't retry, it doesn't wait by pausing, or its
/// pauses have grown out of all proportion.
fn wait_until_it_has_looked(server: &Running, bystander: &mut Peer) {
    // Pauses that began with 100 ms and doubled have passed 1.5 s. The next retry is at 3.1 s, and
    // the pause after it is so long that even on a busy machine, whose delays don't count, it
    // cannot look like a second.
    const LONG: Duration = Duration::from_millis(1600);
    bystander.pause(LONG);
    // A pause twice as long as the previous one has now lasted for at least half its time.
    let (before, since) = (server.figures().switches, Instant::now());
    while server.figures().switches == before && since.elapsed() < LONG.mul_f32(1.3) {
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_client_gone_before_accept_is_survived() {
    let server = program!().listen();
    for _ in 0..3 {
        server.signal(Signal::STOP);
        server.connect().reset();
        let mut waiting = server.connect();
        server.connect().reset();
        server.signal(Signal::CONT);
        explain(
            "A client was gone before you accepted it, and another client was not served. In that \
             case accept() may fail, or peer_addr() fails with ENOTCONN on the socket that \
             accept() returned. That error affects only the client that is gone: continue with the \
             next one.",
            GONE,
        );
        is_served(&mut waiting);
    }
    let mut last = server.connect();
    is_served(&mut last);
}
