//! Does a reply leave in one piece, and without delay?

use std::time::{Duration, Instant};

use scripted_peer::{Ending, Peer, Received, Signal, check, frame, program, rounds, show};

const WHOLE: &str = "05-did-write-send-it.html#one-message-one-write";
const SHORT: &str = "05-did-write-send-it.html#a-write-takes-what-fits";
const FLUSH: &str = "05-did-write-send-it.html#a-buffer-of-your-own";
const PATIENCE: Duration = Duration::from_millis(2500);

/// More than the buffers of both ends hold.
const LONG: usize = 12 << 20;

/// How many replies are requested. Two writes may both arrive before the peer looks, but not every
/// time.
const ROUNDS: usize = 500;
/// The least number of requests; and how long each series of them may continue beyond that.
const LEAST: usize = 50;
const SITTING: Duration = Duration::from_secs(2);
/// How many such series there are.
const SITTINGS: usize = 4;
/// How many more requests, once a reply has arrived in two pieces: to see how long the second piece
/// takes.
const MORE: usize = 20;

#[test]
fn the_reply_does_not_wait_for_the_end() {
    let server = program!().listen();
    let mut peer = server.connect();
    peer.patience(PATIENCE);
    answers(&mut peer);

    for message in [&b"again"[..], b"", b" \xff\0 no text\n"] {
        peer.send(frame(message)).expect(frame(message)).or_explain(
            "Your reply to this frame is wrong. Reply to each frame with its own header and \
             payload, even if the payload is empty or not text. Nothing from the previous frame \
             may be left in the reply.",
            WHOLE,
        );
    }

    peer.pause(Duration::from_millis(1200));
    peer.send(frame("still there"))
        .expect(frame("still there"))
        .or_explain(
            "The client was silent for a second, and you gave up on it. The next frame may take \
             any length of time, so don't set a timeout.",
            WHOLE,
        );

    let two = [frame("whole"), frame("half")].concat();
    let (one_and_a_half, rest) = two.split_at(frame("whole").len() + 6);
    peer.send(one_and_a_half);
    peer.expect(frame("whole")).or_explain(
        "One and a half frames arrived, and you held back the reply to the complete one. Send that \
         reply before you read again.",
        FLUSH,
    );
    peer.send(rest);
    peer.expect(frame("half")).or_explain(
        "The rest of the second frame arrived, but you didn't send the reply to it. Each complete \
         frame gets a reply, even if it arrived in two pieces.",
        FLUSH,
    );

    peer.coalesce(["one", "two"].map(frame)).half_close();
    peer.expect([frame("one"), frame("two")].concat())
        .or_explain(
            "Two frames arrived, then the end of the stream, and you didn't reply to both frames. \
             Send all your replies before you close the connection.",
            FLUSH,
        );
    peer.expect_end().or_explain(
        "You have replied to everything, and the client has finished, but you didn't close the \
         connection. Close it when the stream ends.",
        FLUSH,
    );
}

#[test]
fn header_and_body_travel_together() {
    let server = program!().listen();
    let mut peer = server.connect();
    peer.patience(PATIENCE);
    answers(&mut peer);
    let requests = [frame("hello"), frame("x".repeat(4096))];
    for request in requests.iter().cycle().take(requests.len() * SITTINGS) {
        // On a busy machine the peer may look too late every time, for a while.
        peer.pause(Duration::from_millis(50));
        let (mut round, mut last) = (0, ROUNDS);
        let (mut split, mut longest) = (0, Duration::ZERO);
        for number in rounds(ROUNDS, LEAST, SITTING) {
            round = number + 1;
            if let Some(gap) = gap(&mut peer, request) {
                split += 1;
                longest = longest.max(gap);
                last = last.min(round + MORE);
            }
            if round == last {
                break;
            }
        }
        let gap = longest.as_secs_f64() * 1000.0;
        let pieces = "in two pieces, the second up to";
        check(
            split == 0,
            format!("each reply of {} bytes in one read", request.len()),
            format!("{split} of {round} {pieces} {gap:.1} ms after the first"),
        )
        .or_explain(
            "The first read returned only part of your reply. Header and payload are two writes, \
             so they travel separately. Put them together first, and write once. A gap of 40 ms is \
             Nagle's algorithm waiting for a delayed acknowledgment; turning Nagle off doesn't \
             help, because the second piece still arrives separately.",
            WHOLE,
        );
    }
}

#[test]
fn a_short_write_is_no_end() {
    let server = program!().listen();
    let mut peer = server.connect();
    answers(&mut peer);
    let long = frame(vec![b'x'; LONG]);
    peer.send(&long)
        .stall_reading()
        .pause(Duration::from_millis(1200));
    // A blocking write that a signal interrupts returns how much it has accepted (signal(7)).
    server.signal(Signal::STOP).signal(Signal::CONT);
    peer.patience(PATIENCE);
    let (mut got, mut what) = (Vec::new(), String::new());
    while got.len() < long.len() && what.is_empty() {
        match peer.receive() {
            Received::Bytes(bytes) => got.extend(bytes),
            Received::Ended(ending) => what = format!("{} of them, then {ending}", got.len()),
        }
    }
    let (whole, right) = (
        format!("a reply of {} bytes", long.len()),
        long.starts_with(&got),
    );
    let same = got.iter().zip(&long).take_while(|(a, b)| a == b).count();
    let again = same > 4 && got[same..].starts_with(&long[..4]);
    let begun = format!("{same} bytes of it, then its header again");
    check(!again, &whole, begun).or_explain(
        "The client was slow, and a signal interrupted your write after it had accepted only part \
         of the reply. You then sent the reply again from its header. Count the bytes that the \
         write accepted, and continue with the byte after those, as write_all() does.",
        SHORT,
    );
    check(right, &whole, "other bytes").or_explain(
        "The frame was long, and your reply to it contains the wrong bytes. Use all four bytes of \
         the header for the length, and send the whole payload once.",
        WHOLE,
    );
    let given_up = got.len() < long.len() && server.stderr().contains("a client:");
    check(!given_up, &whole, &what).or_explain(
        "The client didn't read for a second, then a signal interrupted your write, and you gave \
         up on the reply. A call that accepts fewer bytes than you passed has not failed. Send the \
         whole reply, however few bytes each call accepts and however long that takes, and don't \
         set a timeout.",
        SHORT,
    );
    check(got.len() == long.len(), &whole, what).or_explain(
        "The client was slow, and a signal interrupted your write, which returned how many bytes \
         of the reply it had accepted. You didn't send the rest: use write_all(), or call \
         write_vectored() again for the remaining bytes.",
        SHORT,
    );
}

/// Asks for a reply, reads as soon as there is anything, and says how long the rest took, if the
/// first read did not return it all.
fn gap(peer: &mut Peer, request: &[u8]) -> Option<Duration> {
    let first = match peer.send(request).receive() {
        Received::Bytes(bytes) => bytes.len().min(request.len()),
        Received::Ended(_) => 0,
    };
    let since = Instant::now();
    peer.expect(&request[first..]).or_explain(
        "You didn't send the rest of this reply. Reply to each frame with its header and its \
         payload, one reply after another.",
        WHOLE,
    );
    (first < request.len()).then(|| since.elapsed())
}

/// The first reply arrives while the client is waiting for it, and is what it should be.
fn answers(peer: &mut Peer) {
    let hello = frame("hello");
    let mut got = Vec::new();
    peer.send(&hello);
    while got.len() < hello.len() {
        match peer.receive() {
            Received::Bytes(bytes) => got.extend(bytes),
            Received::Ended(Ending::Silence) if got.is_empty() => {
                check(false, "a reply", format!("silence for {PATIENCE:?}")).or_explain(
                    "The frame arrived, but your reply has not left your program. If you buffer \
                     the output, you must also flush it: call flush() on the BufWriter each time a \
                     reply is complete. On a TcpStream, flush() does nothing.",
                    FLUSH,
                );
            }
            Received::Ended(_) => break,
        }
    }
    let seen = match got[..] {
        [] => "not one byte of it".to_owned(),
        _ => show(&got),
    };
    check(got == hello, show(&hello), seen).or_explain(
        "This is not the reply to the frame. A reply is a header, the payload's length in four \
         bytes, big-endian, followed by the payload.",
        WHOLE,
    );
}
