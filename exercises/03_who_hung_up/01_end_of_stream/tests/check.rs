//! Does the server see that a client has left, and is it there for the next?

use std::time::Duration;

use scripted_peer::{explain, needs, program};

const TUTORIAL: &str = "02-which-call-does-what.html#the-server-call-by-call";
const END: &str = "03-who-hung-up.html#zero-bytes";
const NEXT: &str = "03-who-hung-up.html#two-kinds-of-socket";
const TALK: &str = "Answer each message with `accepted`, as in chapter 2, and `close` with \
                    `closed`.";

#[test]
fn leaves_when_the_client_leaves() {
    explain(TALK, END);
    let server = program!().listen();
    let mut talker = server.connect();
    talker.send("hello").expect("accepted").now();
    let mut waits = server.connect();
    waits.send("my turn?");
    talker.pause(Duration::from_millis(1200));
    talker.send("still there").expect("accepted").or_explain(
        "The client was silent for a second, and your program acted as if it had left. However \
         long a client is silent, it is there until read() returns Ok(0).",
        END,
    );
    waits.expect_nothing_yet().or_explain(
        "The first client is still there, and you serve a second one at the same time. Here, serve \
         one client at a time: accept the next one when the last one has left. Chapter 10 serves \
         several at once.",
        NEXT,
    );
    talker.half_close().expect_end().or_explain(
        "The client has left: read() returned Ok(0), the end of the stream. That is neither a \
         message nor a reason to read again: answer nothing, and close.",
        END,
    );
    drop(waits);

    let server = program!().listen();
    let mut silent = server.connect();
    silent.half_close().expect_end().or_explain(
        "This client left without sending anything. Your first read() returned Ok(0): close.",
        END,
    );

    let server = program!().listen();
    let mut quick = server.connect();
    quick.send("last words").half_close();
    quick.expect("accepted").or_explain(
        "The messages that the client sent before it left are still in the stream. Answer them, \
         then read the end.",
        END,
    );
    quick.expect_end().now();
}

#[test]
fn does_not_spin() {
    if !needs::linux() {
        return;
    }
    explain(
        "A server sleeps in accept() or read() for as long as it takes: it must neither end nor \
         keep a processor busy. At the end of the stream read() returns Ok(0) at once, every \
         time.",
        END,
    );
    let server = program!().listen();
    server.expect_idle().now();
    let mut peer = server.connect();
    peer.send("hello")
        .expect("accepted")
        .or_explain(TALK, TUTORIAL);
    server.expect_idle().now();
    peer.half_close();
    server.expect_idle().now();
}

#[test]
fn serves_the_next_client() {
    explain(TALK, END);
    let server = program!().listen();
    let mut first = server.connect();
    let mut second = server.connect();
    first.send("hello").expect("accepted").now();
    second.send("my turn?");
    first.half_close();
    second.expect("accepted").or_explain(
        "The first client has left, the second one waits. Close the first one's socket, keep the \
         listening one, and accept again.",
        NEXT,
    );
    second.send("close").expect("closed").now();
    second
        .expect_end()
        .or_explain("After `closed`, close this connection.", NEXT);
    explain(
        "A client said `close`: that ends its connection. The server goes on with the next client.",
        NEXT,
    );
    server.connect().send("me too").expect("accepted").now();
}

#[test]
fn answers_as_in_chapter_2() {
    explain(TALK, TUTORIAL);
    let server = program!().listen();
    let mut peer = server.connect();
    for message in [
        &b"hello"[..],
        b"closet",
        b" close ",
        b"close\n",
        b"close\0",
        "clo\u{17f}e".as_bytes(), // an S in upper case, but no s
        b"\xff\xfe",
        b"a",
    ] {
        peer.send(message).expect("accepted").or_explain(
            "Every message but `close` is answered with `accepted`, even one that only looks like \
             `close`, and one that is not text.",
            TUTORIAL,
        );
    }
    // Whoever reads less at a time, or more, finds no `close` here.
    peer.coalesce(["x".repeat(1024).as_str(), "cLoSe"]);
    peer.expect("acceptedclosed").or_explain(
        "1,024 bytes came, and `cLoSe` right behind them. A message is what one read of up to \
         1,024 bytes returns, no less and no more, and `close` counts in any mixture of upper and \
         lower case.",
        TUTORIAL,
    );
    peer.expect_end()
        .or_explain("After `closed`, close this connection.", NEXT);
}
