//! Is it the tutorial's server, byte for byte?

use std::time::Duration;

use scripted_peer::{check, explain, program};

const PORT: &str = "02-which-call-does-what.html#the-server-call-by-call";
const REUSE: &str = "02-which-call-does-what.html#starting-again-at-once";

const LISTENS: &str = "Your program isn't serving a client at the address in its first argument. \
                       Create a socket, bind it to that address, and listen. Print the line \
                       `listening on …` before you call accept().";

const CLOSES: &str = "You sent `closed`, and the connection didn't end cleanly right after it. \
                      After you send `closed`, close the connection: don't receive or send \
                      anything else on it.";
const ENDS: &str = "The client said `close`, but your program didn't end with exit code 0. This \
                    server serves only one client, so it ends when that client's connection is \
                    closed.";

#[test]
fn says_accepted() {
    explain(LISTENS, PORT);
    let server = program!().listen();
    let address = server.address().to_string();
    let asked_for = address.starts_with("127.0.0.1:");
    check(asked_for, "listening on 127.0.0.1:…", address).or_explain(
        "The argument says 127.0.0.1, but you are listening on a different address. Bind to the \
         address that you were given: on 0.0.0.0 the whole network could connect.",
        PORT,
    );
    let mut peer = server.connect();
    peer.send("hello").expect("accepted").or_explain(
        "Your reply to this message isn't `accepted`. Reply to each message with exactly these \
         eight bytes, without a newline, before you receive the next message.",
        PORT,
    );
    for message in [
        &b"closet"[..],
        b"don't close",
        b" close ",
        b"close\n",
        b"close\r\n",
        b"close\0",
        "clo\u{17f}e".as_bytes(), // S in upper case, but not an s
        "två".as_bytes(),
        b"\xff\xfe",
    ] {
        peer.send(message).expect("accepted").or_explain(
            "This message isn't `close`, and you didn't reply `accepted` to it. Reply `accepted`, \
             without a newline, to every message except `close`, whatever bytes it contains, text \
             or not. Keep the connection open for the next message.",
            PORT,
        );
    }
    peer.pause(Duration::from_millis(1200));
    peer.send("still there").expect("accepted").or_explain(
        "The client was silent for a second, then sent a message and got no `accepted` for it. \
         recv() waits as long as it has to: don't set a timeout.",
        PORT,
    );
}

#[test]
fn close_in_any_case_closes() {
    for word in ["close", "CLOSE", "Close", "cLoSe"] {
        explain(LISTENS, PORT);
        let server = program!().listen();
        let mut peer = server.connect();
        peer.send("hello").expect("accepted").now();
        peer.send(word).expect("closed").or_explain(
            "You didn't reply `closed` to this message. When the message is `close`, in any mix of \
             upper and lower case, reply `closed`. Compare the message with eq_ignore_ascii_case() \
             before you reply.",
            PORT,
        );
        peer.expect_end().or_explain(CLOSES, PORT);
        server.exits_with(0).or_explain(ENDS, PORT);
    }
}

#[test]
fn restarts_at_once() {
    explain(LISTENS, PORT);
    let first = program!().listen();
    let mut peer = first.connect();
    peer.send("close").expect("closed").now();
    peer.expect_end().or_explain(CLOSES, PORT);
    first.exits_with(0).or_explain(ENDS, PORT);
    let again = program!().listen_on(first.address()).or_explain(
        "Your program didn't start again on the same address. The server closed its connection \
         first, so the system remembers that connection for a minute (TIME-WAIT), and bind() fails \
         because the address is still in use. Set SO_REUSEADDR before you bind.",
        REUSE,
    );
    let (wanted, got) = (first.address().to_string(), again.address().to_string());
    check(wanted == got, format!("listening on {wanted}"), got).or_explain(LISTENS, PORT);
    again.connect().send("hi").expect("accepted").now();
}

#[test]
fn a_message_is_what_one_recv_returns() {
    explain(LISTENS, PORT);
    let server = program!().listen();
    let mut peer = server.connect();
    peer.send("hello").expect("accepted").now();
    // A server that receives less at a time, or more, doesn't find a `close` here.
    peer.coalesce(["x".repeat(1024).as_str(), "close"]);
    peer.expect("acceptedclosed").or_explain(
        "You didn't reply `accepted` and then `closed`. 1,024 bytes arrived, with `close` right \
         behind them. A message is what one recv(1024) returns, no less and no more, so these are \
         two messages, and each gets a reply.",
        PORT,
    );
}
