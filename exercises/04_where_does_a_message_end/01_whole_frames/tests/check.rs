//! Does the program see messages where the stream has only bytes?

use scripted_peer::{explain, frame, program};

const WHOLE: &str = "04-where-does-a-message-end.html#reading-a-whole-frame";
const SEVERAL: &str = "04-where-does-a-message-end.html#several-messages-in-one-read";
const INSIDE: &str = "04-where-does-a-message-end.html#an-end-inside-a-message";

#[test]
fn any_split_is_the_same_message() {
    explain(
        "One read() returned a part of the message. Keep reading until the frame is whole.",
        WHOLE,
    );
    let server = program!().listen();
    let mut peer = server.connect();
    for message in ["hello", "", "more than 256 bytes ".repeat(15).as_str()] {
        peer.drip(frame(message)).expect(frame(message));
    }
    let long = frame(vec![b'x'; 100_000]);
    peer.drip_pieces(&long, 10_000);
    peer.expect(long).or_explain(
        "This message is longer than your buffer, or than one read. Its length says how long it is.",
        WHOLE,
    );
    peer.drip(&frame("half")[..6]);
    peer.expect_nothing_yet().or_explain(
        "You answered before the frame was whole. Keep reading until all of it has come.",
        WHOLE,
    );
}

#[test]
fn several_in_one_read() {
    let server = program!().listen();
    let mut peer = server.connect();
    let frames = ["one", "two", "", "four"].map(frame);
    peer.coalesce(&frames);
    peer.expect(frames.concat()).or_explain(
        "One read() returned several messages. Answer all that are whole before you read again.",
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
        "A whole message came, then half of the next one. Answer the whole one at once.",
        SEVERAL,
    );
    peer.send(rest);
    peer.expect(frame("second")).or_explain(
        "The first half of this message came together with the one before. Keep what follows.",
        SEVERAL,
    );
}

#[test]
fn ending_inside_a_frame_is_an_error() {
    for part in [6, 2] {
        let server = program!().listen();
        let mut peer = server.connect();
        peer.send(&frame("hello")[..part]).half_close();
        peer.expect_end()
            .or_explain("Half a message is none: answer nothing, and close.", INSIDE);
        server.logs("a client:").or_explain(
            "An end inside a message is an error, inside the four bytes of its length too: return \
             one, and main() tells it.",
            INSIDE,
        );
        let mut peer = server.connect();
        peer.send(frame("next")).expect(frame("next")).or_explain(
            "The client before ended inside a frame. That is no reason to stop serving.",
            INSIDE,
        );
    }
}
