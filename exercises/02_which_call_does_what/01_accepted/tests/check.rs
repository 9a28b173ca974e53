//! Is it the tutorial's server, byte for byte?

use scripted_peer::{Received, check, explain, program};

const PORT: &str = "02-which-call-does-what.html#the-server-call-by-call";
const REUSE: &str = "02-which-call-does-what.html#starting-again-at-once";

const LISTENS: &str = "Make a socket, bind it to the address in the first argument, and listen. The \
                       line `listening on …` must come before accept() waits.";

const CLOSES: &str = "After `closed`, close the connection: nothing more is received or sent.";

#[test]
fn says_accepted() {
    explain(LISTENS, PORT);
    let server = program!().listen();
    let mut peer = server.connect();
    peer.send("hello").expect("accepted").or_explain(
        "Answer a message with `accepted`: eight bytes, no newline, before you receive again.",
        PORT,
    );
    let long = "x".repeat(1024);
    for message in ["closet", "don't close", " close ", "två", &long, "a"] {
        peer.send(message).expect("accepted").or_explain(
            "Every message but `close` gets the same eight bytes, without a newline, whatever is in \
             it, on the same connection. A message may be 1,024 bytes long.",
            PORT,
        );
    }
    // Had a message got two answers, the second would come before the answer to this.
    peer.send("close");
    let surplus = peer.next_bytes(6).as_deref() == Some(b"accept")
        && peer.next_bytes(2).is_some()
        && matches!(peer.receive(), Received::Bytes(_));
    let got = "more answers than messages";
    check(!surplus, "one answer for each message", got).or_explain(
        "A message got several answers. Receive up to 1,024 bytes at a time.",
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
            "`close`, in any mixture of cases, is answered `closed`: compare before you answer, \
             with eq_ignore_ascii_case().",
            PORT,
        );
        peer.expect_end().or_explain(CLOSES, PORT);
        server.exits_with(0).or_explain(
            "This server has one client. When that one has said close, end with exit code 0.",
            PORT,
        );
    }
}

#[test]
fn restarts_at_once() {
    explain(LISTENS, PORT);
    let first = program!().listen();
    let mut peer = first.connect();
    peer.send("close").expect("closed").now();
    explain(CLOSES, PORT);
    peer.expect_end().now();
    first.exits_with(0).now();
    let again = program!().listen_on(first.address()).or_explain(
        "The server closed its connection first, so the system remembers it for a minute \
         (TIME-WAIT), and bind() finds the address in use. Set SO_REUSEADDR before you bind.",
        REUSE,
    );
    let (wanted, got) = (first.address().to_string(), again.address().to_string());
    check(wanted == got, format!("listening on {wanted}"), got).or_explain(LISTENS, PORT);
    again.connect().send("hi").expect("accepted").now();
}
