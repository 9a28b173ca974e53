//! Can any client bring the server down?

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
        "You didn't reply `closed` to `Close`. As in 03-01, `close` may be in any mix of upper and \
         lower case.",
        LEFT,
    );
    next.expect_end().or_explain(
        "You replied `closed`, and the connection didn't end. After `closed`, send nothing more \
         and close the connection yourself, as in 03-01. If you wait for the client to close it, \
         you can't serve anyone else.",
        LEFT,
    );
}

#[test]
fn a_hundred_silent_visitors() {
    explain(
        "Clients connected and left without sending anything, and the next client was not served. \
         When read() returns Ok(0), that is neither a message nor an error. Close the socket (drop \
         it) and accept the next client.",
        LEFT,
    );
    // A server that keeps the sockets of clients that have left runs out of descriptors.
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
        "This client was silent for a second, then sent a message and got no `accepted` for it. As \
         in 03-01, a client has finished sending when read() returns Ok(0), not before. Chapters \
         10 and 11 deal with clients that keep others waiting.",
        LEFT,
    );
}

#[test]
fn a_reset_is_one_clients_problem() {
    explain(
        "A client reset its connection, and the next client was not served. read(), write() or \
         shutdown() returned an error, but only that client's connection is lost: print the error, \
         drop the stream, and accept the next client.",
        MESS,
    );
    // A server that gives up after some number of resets, or keeps the sockets, fails here.
    let server = program!().limit("-n", 30).listen();
    for _ in 0..40 {
        let mut client = server.connect();
        client.send("hello").expect("accepted").now();
        client.reset();
        serves_another(&server);
    }

    explain(
        "A client sent several messages and left without reading the replies, and the next client \
         was not served. A write() failed with a broken pipe or a reset, which affects only the \
         client that left: print the error and accept the next client.",
        MESS,
    );
    let mut hasty = server.connect();
    for _ in 0..20 {
        hasty.drip("x");
    }
    drop(hasty);
    serves_another(&server);

    explain(
        "A client had connected and left before the server accepted it, and the next client was \
         not served. In that case accept(), or the first call on the new socket (even \
         peer_addr()), may fail. Print the error and accept the next client.",
        GONE,
    );
    server.signal(Signal::STOP);
    server.connect().reset();
    server.signal(Signal::CONT);
    serves_another(&server);

    explain(
        "A client sent a message and was gone before the server accepted it, and the next client \
         was not served. You can still read the message, but the write() of the reply fails: with \
         a reset or, if the client half-closed first, with a broken pipe. Whichever call reports \
         it, print the error and accept the next client.",
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
        "A client sent bytes that are not text, and the next client was not served. You may reply \
         to those bytes or hang up, but then serve the next client.",
        MESS,
    );
    let server = program!().listen();
    for part in [
        &[0xff, 0xfe][..],
        b"clos\xe9",
        b"\xffclose",
        "clo\u{17f}e".as_bytes(), // S in upper case, but not an s
        &[0; 1024],
        b"caf\xc3",
    ] {
        is_accepted_at_most(server.connect().send(part));
        serves_another(&server);
    }
    is_accepted_at_most(server.connect().garbage());
    serves_another(&server);
}

/// The client half-closes. All it may receive is `accepted`, once for each read, or nothing.
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
        "A client sent bytes that are not `close`, and you replied something other than \
         `accepted`. (Sending nothing and hanging up are allowed too.) Compare the bytes as they \
         arrived, with eq_ignore_ascii_case(). If you decode them first, or change their case by \
         Unicode's rules, other bytes can turn into `close`.",
        MESS,
    );
}
