//! Can a client that doesn't read its reply occupy the server forever, or make its memory grow?

use std::time::Duration;

use scripted_peer::{
    Ending, Peer, Received, Running, check, explain, needs, program, too_busy, undisturbed,
};

const TRICKLE: &str = "11-how-long-to-wait.html#a-reader-that-trickles";
const QUEUE: &str = "11-how-long-to-wait.html#a-queue-only-moves-the-problem";
const CLOCK: &str = "11-how-long-to-wait.html#when-the-clock-starts";

/// Far more than the buffers of both ends hold.
const LARGE: usize = 64 << 20;

/// How many bytes still arrive, and what happens then.
fn rest(peer: &mut Peer, most: usize) -> (usize, Ending) {
    let mut count = 0;
    loop {
        match peer.receive() {
            Received::Bytes(bytes) => count += bytes.len(),
            Received::Ended(ending) => return (count, ending),
        }
        if count >= most {
            return (count, Ending::Silence);
        }
    }
}

/// A client that reads 128 KiB every 10 ms, for three seconds, and how many bytes it read. If the
/// machine kept it from reading for a while, that proves nothing: then another client tries.
fn trickling(server: &Running) -> (Peer, usize, usize) {
    let mut tries = 0;
    loop {
        let mut peer = server.connect();
        peer.send(format!("{LARGE}\n"));
        let (gap, time) = (Duration::from_millis(10), Duration::from_secs(3));
        let (taken, kept) = peer.trickle(128 << 10, gap, time);
        tries += 1;
        if kept < Duration::from_millis(500) {
            return (peer, taken, tries);
        }
        if tries == 3 {
            too_busy(kept);
        }
    }
}

/// Less than the whole reply arrived, and the connection ended.
fn is_cut_off(server: &Running, tries: usize, mut peer: Peer, taken: usize, sentence: &str) {
    peer.patience(Duration::from_millis(1500));
    let (count, ending) = rest(&mut peer, LARGE - taken);
    let total = (taken + count) >> 20;
    // The program also gave up on the silent client, and on the client of each earlier try.
    let gave_up = server.stderr().matches("a client:").count() > tries;
    let sentence = if gave_up && ending == Ending::Silence && taken + count >= LARGE {
        "You gave up on the reply, but its bytes keep arriving: another thread, or a copy of the \
         stream, doesn't know that you gave up and keeps writing. The code that writes the reply \
         must also be the code that gives up on it."
    } else if taken + count < LARGE {
        "You gave up on the reply and left the connection open. The client would mistake anything \
         you sent next for more of that reply: return an error, so that the stream is closed."
    } else {
        sentence
    };
    check(
        taken + count < LARGE && ending != Ending::Silence,
        "part of the 64 MiB, then the end of the connection",
        format!("{total} MiB in all, then {ending}"),
    )
    .or_explain(sentence, TRICKLE);
}

#[test]
fn a_trickling_reader_is_cut_off() {
    // Times other than this check's usual one, with a reply that is quickly read.
    const SOME: usize = 24 << 20;
    // The patient client has a minute. A program that uses a shorter time gives up on it while the
    // cases below run.
    let server = program!().arg(60_000).listen();
    let mut patient = server.connect();
    patient.send(format!("{SOME}\n"));
    // A correct program that started its reply two seconds late could send it to these readers.
    let server = undisturbed(Duration::from_millis(1900), || {
        let server = program!().arg(1000).listen(); // each scene has its own log
        let mut silent = server.connect();
        silent.send(format!("{LARGE}\n")).stall_reading();
        let (trickling, taken, tries) = trickling(&server);
        is_cut_off(
            &server,
            tries,
            trickling,
            taken,
            "Your program kept sending a reply after its deadline. The client read a little now \
             and then for three seconds, so each of your writes made progress and none timed out. \
             Set a deadline for the whole reply, and give each write only the time that is left.",
        );
        is_cut_off(
            &server,
            tries,
            silent,
            0,
            "Your write didn't end at the deadline. A client asked for a large reply and read \
             nothing for three seconds, and the write waited for it all that time: limit how long \
             it may wait.",
        );
        server
    });
    let mut next = server.connect();
    next.send("5\n").expect("xxxxx").or_explain(
        "Two clients didn't read their replies and were cut off, and now the next client is not \
         served. Their failure must not end your program: keep serving other clients.",
        TRICKLE,
    );
    let (count, ending) = rest(&mut patient, SOME);
    let got = format!("{} MiB, then {ending}", count >> 20);
    let expected = "with 60,000 ms, a client that reads after three seconds to get everything";
    check(count == SOME, expected, got).or_explain(
        "A client read nothing for three seconds, and you gave up on it. It had a minute, the time \
         in the second argument: give up when that time has passed, not before.",
        TRICKLE,
    );
    let server = program!().arg(300).listen();
    undisturbed(Duration::from_millis(400), || {
        let mut silent = server.connect();
        // From the first byte: creating so large a reply takes a while, and the clock starts then.
        silent.send(format!("{SOME}\n")).next_bytes(1);
        silent.pause(Duration::from_millis(500));
        let (count, ending) = rest(&mut silent, SOME - 1);
        let got = format!("{} MiB, then {ending}", count >> 20);
        let expected = "with 300 ms, a client that reads the rest after 500 ms to be cut off";
        check(count < SOME - 1, expected, got).or_explain(
            "A client read the rest of its reply only after 500 ms, and it still got all of it. \
             The time in the second argument is 300 ms here: give up on a reply that the kernel \
             hasn't completely accepted by then.",
            TRICKLE,
        );
    });
}

#[test]
fn an_honest_reader_is_served() {
    explain(
        "A client read its replies in time, and didn't get every byte of them. A write that \
         accepts only part of a reply has not failed: keep sending the rest, until the deadline.",
        TRICKLE,
    );
    let server = program!().arg(3000).listen();
    // A client that the machine keeps from reading proves nothing.
    undisturbed(Duration::from_secs(2), || {
        let mut peer = server.connect();
        for size in [5, 16 << 20, 0, 1 << 20, 1_000_003] {
            peer.send(format!("{size}\n"));
            if size > 1 << 20 {
                peer.stall_reading();
            }
            let (count, ending) = if size == 0 {
                (0, Ending::Silence)
            } else {
                rest(&mut peer, size)
            };
            check(
                count == size && ending == Ending::Silence,
                format!("{size} bytes, and a connection that stays open"),
                format!("{count} bytes, then {ending}"),
            )
            .now();
        }
        for _ in 0..20 {
            peer.send("3\n").expect("xxx").or_explain(
                "A client read every reply right away, and after a number of replies it got no \
                 more. There is a limit on the time for each reply, not on the number of replies: \
                 keep serving a client until it leaves.",
                CLOCK,
            );
        }
    });
    let server = program!().arg(500).listen();
    undisturbed(Duration::from_millis(400), || {
        let mut peer = server.connect();
        for _ in 0..3 {
            peer.send("3\n").expect("xxx").or_explain(
                "A client read each reply right away and paused between its requests, and it was \
                 cut off. The deadline is per reply: start the clock again for each one, when \
                 there is something to send.",
                CLOCK,
            );
            peer.pause(Duration::from_millis(700));
        }
        peer.half_close().expect_end().or_explain(
            "The client has all its replies and closed its sending side, and its connection is \
             still open. Close it: it stays open while anything in your program still holds the \
             stream.",
            CLOCK,
        );
    });
}

/// How many MiB a program may grow by for a client that asks for replies of 4 MiB: one reply and a
/// half.
const ONE_REPLY: u64 = 6;

#[test]
fn memory_stays_bounded() {
    if !needs::linux() {
        return;
    }
    drops_what_it_has_sent();
    let server = program!().arg(2000).listen();
    let mut first = server.connect();
    first.send("65536\n").expect([b'x'; 65_536]).now();
    let before = server.figures().peak_memory_kib;
    let mut hoarder = server.connect();
    hoarder.flood("4194304\n".repeat(30), 240);
    hoarder.stall_reading();
    let grown = (server.figures().peak_memory_kib - before) / 1024;
    check(
        grown < ONE_REPLY,
        "one reply in memory, even if the client doesn't read it",
        format!("{grown} MiB more for a client that asks for 4 MiB, 30 times, and reads nothing"),
    )
    .or_explain(
        "A client keeps sending requests without reading the replies, and you hold more than one \
         reply in memory. Send each reply before you read the next request, and make no copy of \
         it: while the client isn't reading, don't read either.",
        QUEUE,
    );
    first.send("3\n").expect("xxx").or_explain(
        "Another client isn't reading its replies, and this client is stuck waiting behind it. A \
         client that doesn't read must not delay any other client.",
        QUEUE,
    );
}

/// A client that reads all of its replies.
fn drops_what_it_has_sent() {
    let server = program!().arg(60_000).listen();
    let mut reader = server.connect();
    reader.send("65536\n").expect([b'x'; 65_536]).now();
    let before = server.figures().peak_memory_kib;
    for _ in 0..8 {
        reader.send("4194304\n");
        if rest(&mut reader, 4 << 20).0 < 4 << 20 {
            return; // an_honest_reader_is_served checks that every byte arrives
        }
        // The last byte may arrive before the program has dropped the reply.
        reader.pause(Duration::from_millis(20));
    }
    let grown = (server.figures().peak_memory_kib - before) / 1024;
    let got = format!("{grown} MiB more, for a client that has read 8 replies of 4 MiB");
    check(grown < ONE_REPLY, "one reply in memory at a time", got).or_explain(
        "A client read all its replies, one after another, and your program held more than one of \
         them in memory. Make no copy of a reply, and drop it as soon as it is sent.",
        QUEUE,
    );
}
