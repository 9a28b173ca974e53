//! Does the program believe a length that a stranger wrote?

use std::time::Duration;

use scripted_peer::{Ending, Peer, Received, Running, Signal, check, frame, needs, program, show};

const WHOLE: &str = "04-where-does-a-message-end.html#reading-a-whole-frame";
const INSIDE: &str = "04-where-does-a-message-end.html#an-end-inside-a-message";
const CLAIM: &str = "04-where-does-a-message-end.html#a-length-is-a-claim";
const LIMIT: u32 = 65_536;

/// Declares a payload of `length` bytes and sends none of it. A whole frame before it gets a reply,
/// the declared one doesn't, and the connection ends.
fn refuses(server: &Running, length: u32) {
    let mut peer = server.connect();
    peer.coalesce([frame("before"), length.to_be_bytes().to_vec()]);
    peer.expect(frame("before")).or_explain(
        "A good frame arrived before the bad length, and you didn't reply to it. Reply to that \
         frame as to any other.",
        CLAIM,
    );
    is_gone(&mut peer);
    serves_the_next(server);
}

/// The connection ends, and nothing arrives before that.
fn is_gone(peer: &mut Peer) {
    let (what, sentence) = match peer.receive() {
        Received::Ended(Ending::Silence) => (
            Ending::Silence.to_string(),
            "The four length bytes say that the frame is too long, and you left the connection \
             open. Close it right away. If you keep reading, to the end of the payload or until \
             the client leaves, it is the attacker who decides how long you are busy.",
        ),
        Received::Ended(_) => return,
        Received::Bytes(bytes) => (
            show(&bytes),
            "The four length bytes say that the frame is too long, and you sent something anyway. \
             Don't reply to such a frame, not even with an error message. Close the connection.",
        ),
    };
    check(false, "the program to end the connection", what).or_explain(sentence, CLAIM);
}

fn serves_the_next(server: &Running) {
    let sentence = "A client declared a frame that is too long, and after that the next client was \
                    not served. Check the length before you allocate memory for it or use it in a \
                    calculation. Refuse that client only: don't end the program, and keep none of \
                    the bytes that the client sent.";
    let mut next = Peer::try_connect(server.address()).or_explain(sentence, CLAIM);
    next.send(frame("next"));
    // The reply may arrive in pieces.
    let mut reply = Vec::new();
    let (what, sentence) = loop {
        match next.receive() {
            Received::Bytes(bytes) => reply.extend(bytes),
            Received::Ended(Ending::Silence) if reply.is_empty() && !server.has_ended() => {
                break (
                    Ending::Silence.to_string(),
                    "You ended the stream to the client whose frame is too long, but you are still \
                     reading from that client, so the next one is not served. Don't wait until it \
                     leaves. Return an error: that closes both directions.",
                );
            }
            Received::Ended(ending) if reply.is_empty() => break (ending.to_string(), sentence),
            Received::Ended(_) => break (show(&reply), sentence),
        }
        if reply == frame("next") {
            return;
        }
        if !frame("next").starts_with(&reply) {
            break (show(&reply), sentence);
        }
    };
    check(false, show(&frame("next")), what).or_explain(sentence, CLAIM);
}

#[test]
fn frames_are_still_whole() {
    let server = program!().listen();
    let mut peer = server.connect();
    for message in ["hello", ""] {
        peer.drip(frame(message));
        peer.expect(frame(message)).or_explain(
            "A frame arrived one byte at a time, and you didn't echo it. Reply to it as in 04-01. \
             Reading the four length bytes may take several reads too.",
            WHOLE,
        );
    }
    let two = [frame("whole"), frame("half")].concat();
    let (one_and_a_half, rest) = two.split_at(frame("whole").len() + 6);
    peer.send(one_and_a_half).expect(frame("whole")).or_explain(
        "One and a half frames arrived, and you didn't reply to the complete one. Reply to it \
         right away, as in 04-01, without waiting for the rest of the other one.",
        WHOLE,
    );
    peer.pause(Duration::from_millis(1200));
    let silent = "The client was silent for a second in the middle of a frame, and you gave up on \
                  it. It is slow, but it declared a valid length. Wait for the rest without a \
                  timeout.";
    peer.expect_nothing_yet().or_explain(silent, WHOLE);
    peer.send(rest)
        .expect(frame("half"))
        .or_explain(silent, WHOLE);
    peer.half_close().expect_end().or_explain(
        "The stream ended between two frames, and you didn't close the connection. Return Ok(()): \
         that closes it.",
        INSIDE,
    );
    let mut next = server.connect();
    next.send(frame("next")).expect(frame("next")).now();
    // When the program has ended, all its output has been read.
    server.signal(Signal::TERM);
    let told = String::from_utf8_lossy(&server.ends().now().stderr).into_owned();
    check(
        !told.contains("a client:"),
        "no error for clients that end between two frames",
        format!("{:?} on standard error", told.trim_end()),
    )
    .or_explain(
        "The stream ended between two frames, and you reported an error. As in 04-01, that is a \
         proper end: return Ok(()). read_exact() fails with UnexpectedEof at a proper end as well \
         as inside a frame, so first check whether there is another byte at all.",
        INSIDE,
    );
}

#[test]
fn half_a_frame_is_still_an_error() {
    for part in [6, 2, 4] {
        let server = program!().listen();
        let mut peer = server.connect();
        peer.send(&frame("half")[..part]).half_close();
        peer.expect_end().or_explain(
            "The stream ended in the middle of a frame, and you replied or left the connection \
             open. As in 04-01, don't reply to an incomplete frame; close the connection.",
            INSIDE,
        );
        server.logs("a client:").or_explain(
            "The stream ended inside a frame, and no error was reported. As in 04-01, return an \
             error, even if the stream ended inside the length; main() prints it.",
            INSIDE,
        );
    }
}

#[test]
fn four_gigabytes_are_refused() {
    if !needs::linux() {
        return;
    }
    // 1 GiB of address space, in KiB: enough for any program, but not for one that trusts the peer.
    let server = program!().limit("-v", 1 << 20).listen();
    for length in [u32::MAX, u32::MAX - 3, 1 << 31, (1 << 31) - 1] {
        refuses(&server, length);
    }
}

#[test]
fn the_limit_itself_is_fine() {
    let server = program!().listen();
    let mut peer = server.connect();
    for length in [LIMIT, LIMIT - 1, 0, LIMIT] {
        let longest = frame(vec![b'x'; length as usize]);
        peer.drip_pieces(&longest, 10_000);
        peer.expect(longest).or_explain(
            "You didn't echo a frame of an allowed length. A payload of up to 65,536 bytes is \
             allowed, including exactly 65,536. Receiving all of it takes more than one read.",
            CLAIM,
        );
    }
}

#[test]
fn one_more_is_refused() {
    let server = program!().listen();
    for length in [LIMIT + 1, LIMIT + 4, 1 << 17] {
        refuses(&server, length);
    }
    let mut peer = server.connect();
    peer.send(frame(vec![b'x'; LIMIT as usize + 1]))
        .half_close();
    peer.expect_gone().or_explain(
        "You replied to a frame that is too long, or left its connection open. A payload of 65,537 \
         bytes is one byte too long: don't reply to such a frame, not even when all of it has \
         arrived, and close the connection.",
        CLAIM,
    );
    serves_the_next(&server);
}

#[test]
fn memory_follows_the_bytes() {
    if !needs::linux() {
        return;
    }
    let server = program!().listen();
    let before = server.figures().peak_address_space_kib;
    for _ in 0..3 {
        refuses(&server, 1 << 30);
    }
    let grown = (server.figures().peak_address_space_kib - before) / 1024;
    check(
        grown < 768,
        "a few MiB of address space for three claims of 1 GiB",
        format!("{grown} MiB more than before"),
    )
    .or_explain(
        "You allocated as many bytes as the length declared, and only then refused the frame. \
         Compare the length with the limit before you allocate.",
        CLAIM,
    );

    let mut peer = server.connect();
    let big = frame(vec![b'x'; 60_000]);
    let served = "You didn't reply to a frame that is not too long. Reply to each such frame, \
                  however many arrived before it.";
    peer.send(&big).expect(&big).or_explain(served, CLAIM);
    let before = server.figures().peak_memory_kib;
    // Several at a time: with a reply in two writes, the second may be delayed by 40 ms (chapter
    // 5).
    let many = big.repeat(10);
    for _ in 0..25 {
        peer.send(&many).expect(&many).or_explain(served, CLAIM);
    }
    let grown = (server.figures().peak_memory_kib - before) / 1024;
    check(
        grown < 8,
        "memory for one frame, however many have been sent back",
        format!("{grown} MiB more after 250 frames of 60,000 bytes"),
    )
    .or_explain(
        "You replied to the frames, but you still hold them in memory. Drop a frame's bytes once \
         you have replied.",
        CLAIM,
    );
}
