//! Does one client's silence, or one client's panic, reach another?

use std::time::Duration;

use scripted_peer::{Peer, Running, explain, program};

const THREAD: &str = "10-two-clients-at-once.html#a-thread-for-each";
const POOL: &str = "10-two-clients-at-once.html#a-pool";
const PANIC: &str = "10-two-clients-at-once.html#a-panic-in-one-thread";

/// A line, and its answer.
fn talks(peer: &mut Peer) {
    peer.send("hello\n").expect("accepted\n").now();
}

const PATIENT: &str = "A client said nothing for a second, and then it was not served. It may take \
                       its time: its thread waits, and nobody else is delayed. Reading has no \
                       timeout here.";

/// The first line of a client that has said nothing for a while.
fn talks_after_a_while(peer: &mut Peer) {
    peer.send("hello\n")
        .expect("accepted\n")
        .or_explain(PATIENT, THREAD);
}

fn serves_another(server: &Running) {
    talks(&mut Peer::try_connect(server.address()).now());
}

#[test]
fn a_silent_client_blocks_nobody() {
    explain(
        "A client connected and said nothing, and the next one was not served: your program was \
         still with the first. Start a thread for each client, and don't wait for it.",
        THREAD,
    );
    let server = program!().listen();
    let mut silent = server.connect();
    let mut second = server.connect();
    talks(&mut second);
    let mut third = server.connect();
    third.send("half a li");
    serves_another(&server);
    talks(&mut second);
    third.pause(Duration::from_millis(1100));
    third
        .send("ne\n")
        .expect("accepted\n")
        .or_explain(PATIENT, THREAD);
    talks_after_a_while(&mut silent);

    explain(
        "A hundred clients are connected and say nothing, and the next one was not served. A fixed \
         number of threads is used up by that many silent clients: start a thread for each \
         client.",
        POOL,
    );
    let _crowd = server.connect_many(100);
    serves_another(&server);
    talks(&mut second);
}

#[test]
fn a_panic_ends_one_connection() {
    explain(
        "A panic ends its own thread. The program, the other threads and what they share must not \
         end with it: no unwrap() of a join or of a lock that a panic may have poisoned.",
        PANIC,
    );
    let server = program!().listen();
    let mut bystander = server.connect();
    talks(&mut bystander);
    for _ in 0..10 {
        let mut unlucky = Peer::try_connect(server.address()).now();
        talks(&mut unlucky);
        unlucky.send("panic\n");
        unlucky.expect_gone().or_explain(
            "This client's thread panicked, and the client was left waiting. Let the thread end, \
             and let it own the only descriptor of the connection: dropping that closes the \
             connection.",
            PANIC,
        );
        talks(&mut bystander);
        serves_another(&server);
    }
    explain(
        "A hundred clients' threads have panicked, and now nobody is served. Give each client a \
         thread of its own, so that a panic costs only that one: a pool loses a thread with each \
         panic, until none is left.",
        POOL,
    );
    for _ in 0..2 {
        let mut crowd = server.connect_many(100);
        for unlucky in &mut crowd {
            unlucky.send("panic\n");
        }
        for unlucky in &mut crowd {
            unlucky.expect_gone().now();
        }
        talks(&mut bystander);
        serves_another(&server);
    }
}
