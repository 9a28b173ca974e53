//! Can any visitor shake the server?

use std::time::Duration;

use scripted_peer::{Peer, Received, Running, Signal, check, explain, program};

const MESS: &str = "03-who-hung-up.html#one-clients-trouble";
const GONE: &str = "03-who-hung-up.html#gone-before-you-looked";
const LEFT: &str = "03-who-hung-up.html#zero-bytes";

/// A well-behaved client, after the others.
fn serves_another(server: &Running) {
    let mut next = server.connect();
    next.send("hello").expect("accepted").now();
    next.send("Close").expect("closed").or_explain(
        "The next client is served as in 03-01, where `close` counts in any mixture of upper and \
         lower case.",
        LEFT,
    );
    next.expect_end().or_explain(
        "Nothing follows `closed`, as in 03-01: close this connection yourself. If you wait for \
         the client to do it, you serve nobody else.",
        LEFT,
    );
}

#[test]
fn a_hundred_silent_visitors() {
    explain(
        "A hundred clients came and left without sending anything, and the next client was not \
         served. When read() returns Ok(0), that is neither a message nor an error; close the \
         socket (drop it) and go on.",
        LEFT,
    );
    // Whoever keeps the sockets of those who left runs out of descriptors.
    let server = program!().limit("-n", 60).listen();
    for _ in 0..10 {
        for visitor in server.connect_many(10) {
            visitor.close();
        }
        serves_another(&server);
    }
    let mut thinks = server.connect();
    thinks.pause(Duration::from_millis(1200));
    thinks.send("hello").expect("accepted").or_explain(
        "This client was silent for a second, and then sent a message. As in 03-01, a client is \
         there until read() returns Ok(0). Chapters 10 and 11 deal with clients that keep others \
         waiting.",
        LEFT,
    );
}

#[test]
fn a_reset_is_one_clients_problem() {
    explain(
        "A client reset its connection, so read() or write() returned an error, or shutdown() did: \
         that ends this client's service and nothing else. Print the error, drop the stream, and \
         accept the next one.",
        MESS,
    );
    // Whoever counts them, or keeps their sockets, comes to an end.
    let server = program!().limit("-n", 30).listen();
    for _ in 0..40 {
        let mut client = server.connect();
        client.send("hello").expect("accepted").now();
        client.reset();
        serves_another(&server);
    }

    explain(
        "A client sent several messages and left without reading the answers, so a write() failed: \
         broken pipe, or reset. Print the error and accept the next one.",
        MESS,
    );
    let mut hasty = server.connect();
    for _ in 0..20 {
        hasty.drip("x");
    }
    drop(hasty);
    serves_another(&server);

    explain(
        "A client had come and gone before the server looked: accept() or the first call on the \
         new socket (peer_addr() too) may fail. Print the error and accept the next one.",
        GONE,
    );
    server.signal(Signal::STOP);
    server.connect().reset();
    server.signal(Signal::CONT);
    serves_another(&server);

    explain(
        "A client sent a message and was gone before the server looked. The message can still be \
         read; the write() that answers it fails, as a reset or, if the client had half-closed \
         first, as a broken pipe. That is this client's problem, whichever call reports it.",
        GONE,
    );
    for half_closed in [false, true] {
        server.signal(Signal::STOP);
        let mut gone = server.connect();
        gone.send("hello");
        if half_closed {
            gone.half_close();
        }
        gone.reset();
        server.signal(Signal::CONT);
        serves_another(&server);
    }
}

#[test]
fn garbage_is_one_clients_problem() {
    explain(
        "A client sent bytes that are not text. Answer or hang up, as you like; but serve the next \
         client.",
        MESS,
    );
    let server = program!().listen();
    for part in [
        &[0xff, 0xfe][..],
        b"clos\xe9",
        b"\xffclose",
        "clo\u{17f}e".as_bytes(), // an S in upper case, but no s
        &[0; 1024],
        b"caf\xc3",
    ] {
        is_accepted_at_most(server.connect().send(part));
        serves_another(&server);
    }
    is_accepted_at_most(server.connect().garbage());
    serves_another(&server);
}

/// Says no more, and hears `accepted` once for each read, or nothing at all.
fn is_accepted_at_most(client: &mut Peer) {
    client.half_close();
    let mut answer = Vec::new();
    while let Received::Bytes(bytes) = client.receive() {
        answer.extend(bytes);
    }
    let answer = String::from_utf8_lossy(&answer);
    check(
        answer.replace("accepted", "").is_empty(),
        "`accepted`, or nothing",
        format!("{answer:?}"),
    )
    .or_explain(
        "A client sent something that is not `close`, and perhaps not even text: answer `accepted`, \
         or nothing, or hang up, but say nothing else. Compare the bytes as they came, with \
         eq_ignore_ascii_case(): whoever decodes them first, or changes their case in Unicode, finds a \
         `close` that nobody sent.",
        MESS,
    );
}
