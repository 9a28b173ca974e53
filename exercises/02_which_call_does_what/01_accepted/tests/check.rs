//! Is it the tutorial's server, byte for byte?

use std::time::Duration;

use scripted_peer::{check, explain, program};

const PORT: &str = "02-which-call-does-what.html#the-server-call-by-call";
const REUSE: &str = "02-which-call-does-what.html#starting-again-at-once";

const LISTENS: &str = "Make a socket, bind it to the address in the first argument, and listen. The \
                       line `listening on …` must come before accept() waits.";

const CLOSES: &str = "After `closed`, close the connection: nothing more is received or sent.";
const ENDS: &str = "This server has one client. When it has said `close`, end with exit code 0.";

#[test]
fn says_accepted() {
    explain(LISTENS, PORT);
    let server = program!().listen();
    let address = server.address().to_string();
    let asked_for = address.starts_with("127.0.0.1:");
    check(asked_for, "listening on 127.0.0.1:…", address).or_explain(
        "You were given 127.0.0.1 to listen on: bind to that. On 0.0.0.0 the whole network could \
         connect.",
        PORT,
    );
    let mut peer = server.connect();
    peer.send("hello").expect("accepted").or_explain(
        "Answer a message with `accepted`: eight bytes, no newline, before you receive again.",
        PORT,
    );
    for message in [
        &b"closet"[..],
        b"don't close",
        b" close ",
        b"close\n",
        b"close\r\n",
        b"close\0",
        "clo\u{17f}e".as_bytes(), // an S in upper case, but no s
        "två".as_bytes(),
        b"\xff\xfe",
    ] {
        peer.send(message).expect("accepted").or_explain(
            "Every message but `close` gets the same eight bytes, without a newline and on the \
             same connection, whatever is in it, text or not.",
            PORT,
        );
    }
    peer.pause(Duration::from_millis(1200));
    peer.send("still there").expect("accepted").or_explain(
        "The client was silent for a second, and then sent a message. recv() waits for as long as \
         that takes: give it no timeout.",
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
            "Answer `close`, in any mixture of upper and lower case, with `closed`: compare before \
             you answer, with eq_ignore_ascii_case().",
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
        "The server closed its connection first, so the system remembers it for a minute \
         (TIME-WAIT), and bind() finds the address in use. Set SO_REUSEADDR before you bind.",
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
    // Whoever receives less at a time, or more, finds no `close` here.
    peer.coalesce(["x".repeat(1024).as_str(), "close"]);
    peer.expect("acceptedclosed").or_explain(
        "1,024 bytes came, and `close` right behind them. A message is what one recv(1024) \
         returns, no less and no more, so these are two, and each gets its own answer.",
        PORT,
    );
}
