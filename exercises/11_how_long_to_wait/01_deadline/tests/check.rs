//! Is a frame's time limited, and only a frame's?

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
        "A client that sends whole frames at once is echoed, whatever the others do.",
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
        Received::Ended(Ending::Silence) => check(false, expected, "it was open long after"),
        Received::Ended(_) => check(true, "", ""),
        Received::Bytes(bytes) if !is_whole(&bytes) => {
            check(false, &expected, "a part of the frame").or_explain(
                "The frame's time was over, and you sent back what had come of it. Nothing of a \
                 frame that isn't whole is echoed: close the connection.",
                DRIP,
            );
            check(true, "", "")
        }
        Received::Bytes(_) => check(false, expected, "the frame was served, long after"),
    }
    .or_explain(sentence, DRIP);
}

/// Whether these bytes hold as many as their length says.
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
        "A whole frame came, and a part of the next one with it. The first one is whole: echo it.",
        CLOCK,
    );
    // A right program that was kept from running for two seconds finds a frame that took only one.
    undisturbed(millis(1900), || {
        let mut dripping = server.connect();
        // Three seconds for thirty bytes: none of them is late, the frame is.
        dripping.drip_every(millis(100), frame("a frame of thirty bytes!!!"));
        is_cut_off(
            &mut dripping,
            "A byte came every 100 ms, so no read ever timed out, and the frame took three \
             seconds. Set a deadline for the frame, and give each read only the time that is \
             left.",
        );
    });
    half.patience(millis(1000));
    is_cut_off(
        &mut half,
        "Half a frame came, then nothing more, and you wait. The deadline must end the read \
         itself: if you look at the clock only when bytes come, a client that sends none stays \
         forever.",
    );
    less.patience(millis(1000));
    is_cut_off(
        &mut less,
        "Half a length came, then nothing more, and you wait. The length is a part of the frame: \
         its reads, too, get only what is left until the deadline.",
    );
    large.patience(millis(1000));
    is_cut_off(
        &mut large,
        "The beginning of a large frame came, then nothing more, and you wait for longer than you did for a \
         small one. Each frame has the given time, whatever its length says.",
    );
    behind.patience(millis(1000));
    is_cut_off(
        &mut behind,
        "Half a frame came together with the end of the one before, then nothing more, and you \
         wait. Its first byte has come, so its clock runs, even though that byte came in the same \
         read as the frame before.",
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
                "The length took most of a second, the payload took most of a second, and together \
                 they are one frame: it has one deadline, and each read gets what is left of it.",
            );
        });
    }
    is_served(&server);
    // A time that is not this check's usual one.
    let server = program!().arg(300).listen();
    undisturbed(millis(250), || {
        let mut half = server.connect();
        half.send(&frame("hello")[..6]).pause(millis(700));
        half.send(&frame("hello")[6..]);
        is_cut_off_after("300 ms", &mut half, GIVEN);
    });
    // Its end is looked for when it is due: in the other scenes, three seconds have passed by then.
    undisturbed(millis(900), || {
        let mut half = server.connect();
        half.send(&frame("hello")[..6]).patience(millis(1500));
        is_cut_off_after(
            "300 ms",
            &mut half,
            "Half a frame came, its time was 300 ms, and more than a second later the connection \
             was still open. It ends only when all of its descriptors are closed: a copy \
             (try_clone) is one, too, and keeps the connection open as long as you hold it.",
        );
    });
}

const GIVEN: &str = "The time is the second argument, and here it is 300 or 2,000 milliseconds. \
                     Use it as it was given, and give a frame neither more nor less.";

#[test]
fn a_slow_but_honest_client_is_served() {
    // Silent while all the others are served: for more than two seconds. One for each try.
    let short = program!().arg(300).listen();
    let mut idle = short.connect_many(3);
    let server = server();
    let mut honest = server.connect();
    for message in ["", "x".repeat(65_536).as_str()].map(frame) {
        honest.send(&message).expect(&message).or_explain(
            "A frame may be empty, and it may have 65,536 bytes. An empty one is whole with its \
             length: a read into an empty buffer returns 0, which is not the end of the stream.",
            ENDED,
        );
    }
    // One of them that takes longer than the deadline is not honest: the machine made it late.
    undisturbed(millis(750), || {
        let mut honest = server.connect();
        for _ in 0..6 {
            honest.drip_every(millis(20), frame("honest"));
            honest.expect(frame("honest")).or_explain(
                "Each of these frames took a fifth of a second. A deadline belongs to a frame, not \
                 to a connection: start the clock anew with each.",
                CLOCK,
            );
        }
        honest.pause(millis(WITHIN + 300));
        honest.send(frame("back")).expect(frame("back")).or_explain(
            "Between two frames a client may be silent for as long as it likes. The clock starts \
             with a frame's first byte.",
            CLOCK,
        );
    });
    undisturbed(millis(250), || {
        let mut idle = idle.pop().expect("three tries");
        idle.send(frame("idle")).expect(frame("idle")).or_explain(
            "A client connected, and said nothing for many times the given time. Until a frame's \
             first byte has come no clock runs: wait for it without a timeout.",
            CLOCK,
        );
    });
}

#[test]
fn a_timeout_loses_no_bytes() {
    let server = server();
    let whole = frame("whole");
    explain(
        "The client paused inside a frame, sent the rest well before the deadline, and you did not \
         echo the frame whole. A read that timed out had taken some bytes: keep them.",
        LOST,
    );
    // A right program cuts off a client that the machine made late.
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
            "Each of these two frames took half a second, and the second one began together with the \
             end of the first. It has a deadline of its own, and its first bytes are its own, too: \
             keep them.",
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
            "The client ended inside a frame, with minutes left until the deadline. A read of 0 \
             bytes is not a pause: nothing more will come. End the connection.",
            ENDED,
        );
    }
}
