//! Does the server notice that a client has left, and does it serve the next one?

use std::time::Duration;

use scripted_peer::{explain, needs, program};

const TUTORIAL: &str = "02-which-call-does-what.html#the-server-call-by-call";
const END: &str = "03-who-hung-up.html#zero-bytes";
const NEXT: &str = "03-who-hung-up.html#two-kinds-of-socket";
const TALK: &str = "A client didn't get the right reply. Reply `accepted` to each message, as in \
                    chapter 2, and `closed` to `close`.";

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
        "The client was silent for a second, and your program acted as if it had left. A client \
         can be silent for any length of time. It has finished sending when read() returns Ok(0).",
        END,
    );
    waits.expect_nothing_yet().or_explain(
        "The first client is still connected, and you are serving a second one at the same time. \
         In this exercise, serve one client at a time: accept the next client after the previous \
         one has left. Chapter 10 serves several at once.",
        NEXT,
    );
    talker.half_close().expect_end().or_explain(
        "The client has left, and you replied or left the connection open. read() returned Ok(0), \
         the end of the stream. That isn't a message, and reading again won't return anything \
         else. Close the connection without a reply.",
        END,
    );
    drop(waits);

    let server = program!().listen();
    let mut silent = server.connect();
    silent.half_close().expect_end().or_explain(
        "This client left without sending anything, and you replied or left the connection open. \
         Your first read() returned Ok(0), the end of the stream: close the connection without a \
         reply.",
        END,
    );

    let server = program!().listen();
    let mut quick = server.connect();
    quick.send("last words").half_close();
    quick.expect("accepted").or_explain(
        "The client sent a message and then left, and you didn't reply. Messages sent before a \
         client leaves are still in the stream: reply to them, then read the end of the stream.",
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
        "Your server either ended or kept using CPU time while there was nothing to do. Let it \
         sleep in accept() or read(). At the end of the stream read() returns Ok(0) immediately, \
         every time, so don't call it again.",
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
        "The first client has left, and the second one is still waiting. Close the first client's \
         socket, keep the listening socket open, and accept again.",
        NEXT,
    );
    second.send("close").expect("closed").now();
    second.expect_end().or_explain(
        "You replied `closed`, but you didn't close the connection. `close` ends only this \
         client's connection: close it, and send nothing more on it.",
        NEXT,
    );
    explain(
        "A client said `close`, and the next client was not served. `close` ends that client's \
         connection, but not the server: accept the next client.",
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
        "clo\u{17f}e".as_bytes(), // S in upper case, but not an s
        b"\xff\xfe",
        b"a",
    ] {
        peer.send(message).expect("accepted").or_explain(
            "This message isn't `close`, and you didn't reply `accepted` to it. Reply `accepted` \
             to every other message, even to `closet`, to ` close ` with a space at each end, or \
             to bytes that are not text.",
            TUTORIAL,
        );
    }
    // A server that reads less at a time, or more, doesn't find a `close` here.
    peer.coalesce(["x".repeat(1024).as_str(), "cLoSe"]);
    peer.expect("acceptedclosed").or_explain(
        "You didn't reply `accepted` and then `closed`. 1,024 bytes arrived, with `cLoSe` right \
         behind them. A message is what one read of up to 1,024 bytes returns, so these are two \
         messages. `close` may be in any mix of upper and lower case.",
        TUTORIAL,
    );
    peer.expect_end().or_explain(
        "You replied `closed`, but you didn't close the connection. `close` ends only this \
         client's connection: close it, and send nothing more on it.",
        NEXT,
    );
}
