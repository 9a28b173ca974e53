//! Does each frame have a deadline, and nothing else?

use std::time::Duration;

use scripted_peer::{Ending, Peer, Received, Running, check, explain, frame, program, undisturbed};

const DRIP: &str = "11-how-long-to-wait.html#a-timeout-does-not-stop-a-drip";
const CLOCK: &str = "11-how-long-to-wait.html#when-the-clock-starts";
const ENDED: &str = "04-where-does-a-message-end.html#an-end-inside-a-message";
const LOST: &str = "11-how-long-to-wait.html#what-a-timeout-eats";

const WITHIN: u64 = 1000;

fn millis(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn server() -> Running {
    program!().arg(WITHIN).listen()
}

fn is_served(server: &Running) {
    let mut peer = server.connect();
    peer.send(frame("hello")).expect(frame("hello")).or_explain(
        "A client sent a whole frame, and you didn't echo it. Echo it right away, whatever the \
         other clients do.",
        CLOCK,
    );
}

/// Nothing is echoed, and the connection ends.
fn is_cut_off(peer: &mut Peer, sentence: &str) {
    is_cut_off_after("a second", peer, sentence);
}

fn is_cut_off_after(time: &str, peer: &mut Peer, sentence: &str) {
    let expected = format!("the end of the connection, {time} after the frame's first byte");
    match peer.receive() {
        Received::Ended(Ending::Silence) => {
            check(false, expected, "it was still open long after that")
        }
        Received::Ended(_) => check(true, "", ""),
        Received::Bytes(bytes) if !is_whole(&bytes) => {
            check(false, &expected, "a part of the frame").or_explain(
                "The deadline passed in the middle of a frame, and your program sent back the part \
                 of it that had arrived. Only a complete frame is echoed: close the connection \
                 without a reply.",
                DRIP,
            );
            check(true, "", "")
        }
        Received::Bytes(_) => check(false, expected, "the frame was echoed, long after that"),
    }
    .or_explain(sentence, DRIP);
}

/// Whether the payload is as long as its length prefix says.
fn is_whole(bytes: &[u8]) -> bool {
    let length = bytes
        .first_chunk()
        .map(|length| u32::from_be_bytes(*length));
    length.is_some_and(|length| bytes.len() - 4 >= length as usize)
}

#[test]
fn a_drip_is_cut_off() {
    let server = server();
    let [mut half, mut less] = [6, 2].map(|count| {
        let mut peer = server.connect();
        peer.send(&frame("hello")[..count]);
        peer
    });
    let mut large = server.connect();
    large.send(&frame([b'x'; 65_536])[..6]);
    let mut behind = server.connect();
    let first = frame("first");
    behind.send([&first[..], &frame("hello")[..6]].concat());
    behind.expect(&first).or_explain(
        "A whole frame arrived together with part of the next one, and you didn't echo the first. \
         It is complete: echo it without waiting for the rest of the next one.",
        CLOCK,
    );
    // After two seconds without a CPU, a correct program would see a frame that took only one
    // second.
    undisturbed(millis(1900), || {
        let mut dripping = server.connect();
        // Three seconds for thirty bytes: no byte is late, but the frame is.
        dripping.drip_every(millis(100), frame("a frame of thirty bytes!!!"));
        is_cut_off(
            &mut dripping,
            "Your program let a frame take three seconds. A byte arrived every 100 ms, so no read \
             ever timed out. Set a deadline for the frame, and give each read only the time that \
             is left.",
        );
    });
    half.patience(millis(1000));
    is_cut_off(
        &mut half,
        "Half a frame arrived, and then nothing more, and your program is still waiting. The \
         deadline must end the read itself: if you look at the clock only when bytes arrive, a \
         client that sends none can stay connected forever.",
    );
    less.patience(millis(1000));
    is_cut_off(
        &mut less,
        "Half a length prefix arrived, and then nothing more, and your program is still waiting. \
         The length prefix is part of the frame: give its reads, too, only the time that is left \
         until the deadline.",
    );
    large.patience(millis(1000));
    is_cut_off(
        &mut large,
        "The beginning of a large frame arrived, and then nothing more, and your program is \
         waiting longer than it did for a small frame. Give every frame the same time, whatever \
         its length prefix says.",
    );
    behind.patience(millis(1000));
    is_cut_off(
        &mut behind,
        "Half a frame arrived together with the end of the previous frame, and then nothing more, \
         and your program is still waiting. The new frame's first byte has arrived, so its clock \
         is running, even though that byte was in the same read as the previous frame.",
    );
    is_served(&server);
}

#[test]
fn a_frame_has_one_deadline() {
    let server = server();
    // Twice: on a busy machine either part may take more than a second by itself.
    for _ in 0..2 {
        undisturbed(millis(400), || {
            let mut dripping = server.connect();
            dripping.drip_every(millis(235), [&[0, 0, 0, 3], &b"abc"[..]].concat());
            is_cut_off(
                &mut dripping,
                "Your program let a frame take nearly two seconds. The length prefix took most of \
                 a second, and so did the payload, but together they are one frame with one \
                 deadline: give each read only the time that is left until then.",
            );
        });
    }
    is_served(&server);
    // A time other than this check's usual one.
    let server = program!().arg(300).listen();
    undisturbed(millis(250), || {
        let mut half = server.connect();
        half.send(&frame("hello")[..6]).pause(millis(700));
        half.send(&frame("hello")[6..]);
        is_cut_off_after("300 ms", &mut half, GIVEN);
    });
    // Here the connection must end when it is due; the cases above check that three seconds later.
    undisturbed(millis(900), || {
        let mut half = server.connect();
        half.send(&frame("hello")[..6]).patience(millis(1500));
        is_cut_off_after(
            "300 ms",
            &mut half,
            "Half a frame arrived, its limit was 300 ms, and more than a second later the \
             connection was still open. A connection ends only when all its descriptors are \
             closed. A copy from try_clone() is also a descriptor, and keeps the connection open \
             for as long as you hold it.",
        );
    });
}

const GIVEN: &str = "Your program didn't use the time in its second argument, which is 300 or \
                     2,000 milliseconds here. Give each frame exactly that time, neither more nor \
                     less.";

#[test]
fn a_slow_but_honest_client_is_served() {
    // These are silent while all the others are served, for more than two seconds. There is one for
    // each try of the last block.
    let short = program!().arg(300).listen();
    let mut idle = short.connect_many(3);
    let server = server();
    let mut honest = server.connect();
    for message in ["", "x".repeat(65_536).as_str()].map(frame) {
        honest.send(&message).expect(&message).or_explain(
            "An empty frame or a large one wasn't echoed. A payload may be empty, and it may have \
             up to 65,536 bytes. An empty frame is complete as soon as its length prefix is: a \
             read into an empty buffer returns 0, and that 0 doesn't mean the end of the stream.",
            ENDED,
        );
    }
    // A frame that takes longer than the deadline proves nothing: the machine made it late.
    undisturbed(millis(750), || {
        let mut honest = server.connect();
        for _ in 0..6 {
            honest.drip_every(millis(20), frame("honest"));
            honest.expect(frame("honest")).or_explain(
                "Each of these frames took a fifth of a second, and one of them wasn't echoed. The \
                 deadline is per frame, not per connection: restart the clock with each frame.",
                CLOCK,
            );
        }
        honest.pause(millis(WITHIN + 300));
        honest.send(frame("back")).expect(frame("back")).or_explain(
            "A client was silent between two frames, and its next frame wasn't echoed. Between \
             frames, a client may be silent for as long as it likes: start the clock at a frame's \
             first byte.",
            CLOCK,
        );
    });
    undisturbed(millis(250), || {
        let mut idle = idle.pop().expect("three tries");
        idle.send(frame("idle")).expect(frame("idle")).or_explain(
            "A client connected and sent nothing for many times the given time, and then its first \
             frame wasn't echoed. Before a frame's first byte there is no deadline: wait for that \
             byte without a timeout.",
            CLOCK,
        );
    });
}

#[test]
fn a_timeout_loses_no_bytes() {
    let server = server();
    let whole = frame("whole");
    explain(
        "The client paused inside a frame and sent the rest well before the deadline, but you \
         didn't echo the complete frame. Some of its bytes had already been read when a read timed \
         out: keep them.",
        LOST,
    );
    // A correct program cuts off a client that the machine made late.
    undisturbed(millis(600), || {
        let mut peer = server.connect();
        for (idle, first) in [(0, 2), (0, 6), (WITHIN - 200, 2)] {
            peer.pause(millis(idle));
            peer.send(&whole[..first]).pause(millis(350));
            peer.send(&whole[first..]);
            peer.expect(&whole).now();
        }
    });
    undisturbed(millis(400), || {
        let mut peer = server.connect();
        // The end of one frame and the beginning of the next, in one piece.
        let two = [frame("first"), frame("second")].concat();
        for part in [&two[..7], &two[7..12]] {
            peer.send(part).pause(millis(WITHIN / 2 + 50));
        }
        peer.send(&two[12..]).expect(&two).or_explain(
            "You didn't echo both of these frames. Each of them took half a second, and the second \
             one began together with the end of the first. The second frame has its own deadline, \
             and the bytes after the first frame belong to it: keep them.",
            CLOCK,
        );
        peer.half_close().expect_end().now();
    });

    let server = program!().arg(2000).listen();
    undisturbed(millis(500), || {
        let mut honest = server.connect();
        honest.send(&frame("honest")[..6]).pause(millis(1300));
        honest.send(&frame("honest")[6..]);
        honest.expect(frame("honest")).or_explain(GIVEN, CLOCK);
    });

    let patient = program!().arg(600_000).listen();
    for part in [2, 6] {
        let mut ended = patient.connect();
        ended.send(&whole[..part]).half_close();
        ended.expect_gone().or_explain(
            "The client ended its stream inside a frame, with minutes left until the deadline, and \
             your program is still waiting. A read that returns 0 bytes isn't a pause: nothing \
             more will arrive. Close the connection.",
            ENDED,
        );
    }
}
