//! Does the program see messages where the stream has only bytes?

use std::time::Duration;

use scripted_peer::{Signal, check, explain, frame, program};

const WHOLE: &str = "04-where-does-a-message-end.html#reading-a-whole-frame";
const SEVERAL: &str = "04-where-does-a-message-end.html#several-messages-in-one-read";
const INSIDE: &str = "04-where-does-a-message-end.html#an-end-inside-a-message";
const EARLY: &str =
    "You replied before the frame was complete. Keep reading until all of it has arrived.";
const SILENT: &str = "The client was silent for a second in the middle of a frame, and you gave up \
                      on it. The rest of a frame may take any length of time, so don't set a \
                      timeout.";

#[test]
fn any_split_is_the_same_message() {
    explain(
        "One read() returned only part of the frame, and you didn't wait for the rest. Keep \
         reading until the frame is complete.",
        WHOLE,
    );
    let server = program!().listen();
    let mut peer = server.connect();
    peer.send(frame("hello")).expect(frame("hello")).or_explain(
        "A complete frame arrived in one piece, and your reply isn't the same bytes. Send back the \
         length in four bytes, the most significant one first, then the payload. If you write to \
         your own buffer, flush it.",
        WHOLE,
    );
    for message in ["hello", "more than 256 bytes.".repeat(15).as_str()] {
        peer.drip(frame(message)).expect(frame(message));
    }
    // The last frame again, without its last byte: a server that replies now copied that frame.
    let again = frame("more than 256 bytes.".repeat(15));
    let (most, last) = again.split_at(again.len() - 1);
    peer.drip(most);
    peer.expect_nothing_yet().or_explain(EARLY, WHOLE);
    peer.send(last).expect(&again).or_explain(
        "Your reply to this frame is wrong. The frame is the same as the previous one, so the \
         reply is the same too: reply to each frame once, when its last byte has arrived.",
        WHOLE,
    );
    let bytes = frame(b" \xff\0 no text\n");
    peer.send(&bytes).expect(&bytes).or_explain(
        "You didn't echo this frame unchanged. A payload is bytes, text or not: send them back as \
         they arrived, with nothing added, removed or replaced.",
        WHOLE,
    );
    peer.send(frame("")).expect(frame("")).or_explain(
        "You didn't echo an empty frame. A payload may be empty: four zero bytes are a complete \
         frame, not an end of stream.",
        WHOLE,
    );
    let long = frame(vec![b'x'; 100_000]);
    peer.drip_pieces(&long, 10_000);
    peer.expect(&long).or_explain(
        "You didn't echo all of this frame. It is longer than one read returns, and perhaps longer \
         than your buffer. Its four length bytes say how much to read.",
        WHOLE,
    );
    let (most, last) = long.split_at(long.len() - 1);
    peer.drip_pieces(most, 10_000);
    peer.expect_nothing_yet().or_explain(EARLY, WHOLE);
    peer.send(last).expect(&long).now();
    let half = frame("half");
    let (first, rest) = half.split_at(6);
    peer.drip(first);
    peer.expect_nothing_yet().or_explain(EARLY, WHOLE);
    peer.pause(Duration::from_millis(1200));
    peer.expect_nothing_yet().or_explain(SILENT, WHOLE);
    peer.send(rest).expect(&half).or_explain(SILENT, WHOLE);
}

#[test]
fn several_in_one_read() {
    let server = program!().listen();
    let mut peer = server.connect();
    let frames = ["one", "two", "", "four"].map(frame);
    peer.coalesce(&frames);
    peer.expect(frames.concat()).or_explain(
        "One read() returned several frames, and you didn't reply to all of them. Reply to every \
         complete frame before you read again.",
        SEVERAL,
    );
}

#[test]
fn one_and_a_half_then_the_rest() {
    let server = program!().listen();
    let mut peer = server.connect();
    let two = [frame("first"), frame("second")].concat();
    let (one_and_a_half, rest) = two.split_at(frame("first").len() + 7);
    peer.send(one_and_a_half).wait_until_read();
    peer.expect(frame("first")).or_explain(
        "A complete frame arrived together with half of the next one, and you didn't reply to it. \
         Reply to the complete frame right away; don't wait for the other half.",
        SEVERAL,
    );
    peer.send(rest);
    peer.expect(frame("second")).or_explain(
        "The first half of this frame arrived together with the previous frame, and you lost it. \
         Keep the bytes that follow a complete frame.",
        SEVERAL,
    );
}

#[test]
fn ending_inside_a_frame_is_an_error() {
    for part in [6, 2, 4, 8] {
        let server = program!().listen();
        let mut peer = server.connect();
        peer.send(&frame("hello")[..part]).half_close();
        peer.expect_end().or_explain(
            "The stream ended in the middle of a frame, and you replied or left the connection \
             open. Don't reply to an incomplete frame; close the connection.",
            INSIDE,
        );
        server.logs("a client:").or_explain(
            "The stream ended inside a frame, and no error was reported. Return an error, even if \
             the stream ended inside the four length bytes or right after them; main() prints it.",
            INSIDE,
        );
        let mut peer = server.connect();
        peer.send(frame("next")).expect(frame("next")).or_explain(
            "The previous client ended its stream inside a frame, and this client got no proper \
             reply. Keep serving, and don't let the previous client's bytes reach the next one.",
            INSIDE,
        );
    }
}

#[test]
fn ending_between_frames_is_no_error() {
    explain(
        "The stream ended between two frames, but the client didn't get its replies and then the \
         end of the connection. Reply to every complete frame, then close the connection.",
        INSIDE,
    );
    let server = program!().listen();
    for frames in [frame("only one"), vec![]] {
        let mut peer = server.connect();
        peer.send(&frames).half_close();
        peer.expect(&frames).now();
        peer.expect_end().now();
    }
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
        "The stream ended between two frames, and you reported an error. That is a proper end: \
         return Ok(()). read_exact() fails with UnexpectedEof at a proper end as well as inside a \
         frame, so first check whether there is another byte at all.",
        INSIDE,
    );
}
