//! Does one client's silence, or one client's panic, affect other clients?

use std::time::Duration;

use scripted_peer::{Peer, Running, explain, program};

const THREAD: &str = "10-two-clients-at-once.html#a-thread-for-each";
const POOL: &str = "10-two-clients-at-once.html#a-pool";
const PANIC: &str = "10-two-clients-at-once.html#a-panic-in-one-thread";

/// Sends a line, and expects its reply.
fn talks(peer: &mut Peer) {
    peer.send("hello\n").expect("accepted\n").now();
}

const PATIENT: &str = "A client sent nothing for a second, and then its line got no reply. A \
                       client may take its time, because only its own thread waits, and no other \
                       client is delayed. Don't set a read timeout here.";

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
        "A client connected and sent nothing, and the next client was not served: your program was \
         still waiting for the first. Start a thread for each client, and don't wait for that \
         thread.",
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
        "A hundred clients are connected and send nothing, and the next client was not served. \
         That many silent clients use up a fixed number of threads: start a thread for each \
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
        "One client's thread panicked, and another client was not served. A panic ends only its \
         own thread, unless you pass it on: don't call unwrap() on a join, or on a lock that a \
         panic may have poisoned.",
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
            "This client's thread panicked, but the client's connection stayed open. Let the \
             thread end, and let it own the connection's only descriptor: dropping that closes the \
             connection.",
            PANIC,
        );
        talks(&mut bystander);
        serves_another(&server);
    }
    explain(
        "A hundred clients' threads panicked, and now no client is served. A pool loses a thread \
         with each panic, until none is left. Give each client its own thread, so that a panic \
         costs only that client.",
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
