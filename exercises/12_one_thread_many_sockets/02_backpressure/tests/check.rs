//! Does a client that doesn't read its replies have to wait, and no other client?

use std::time::{Duration, Instant};

use scripted_peer::{Peer, Running, check, explain, frame, needs, program};

const BACK: &str = "12-one-thread-many-sockets.html#backpressure";
const LOOP: &str = "12-one-thread-many-sockets.html#the-loop";

/// More than a frame, its reply, and what a framework's buffers hold in addition.
const HELD: usize = 512 << 10;

static MESSAGE: [u8; 60_000] = [b'x'; 60_000];

fn is_served(peer: &mut Peer) {
    peer.send(frame("hello")).expect(frame("hello")).now();
}

#[test]
fn a_client_that_never_reads_is_bounded() {
    explain(
        "A client that reads its replies was not served. Echo each of its frames, whatever the \
         other clients do.",
        LOOP,
    );
    let server = program!().listen();
    let mut client = server.connect();
    is_served(&mut client);
    let three = ["one", "two", "three"].map(frame);
    client.coalesce(&three).expect(three.concat()).or_explain(
        "Three frames arrived in one read, and not all of them got a reply. Reply to each complete \
         frame: no further event will report the frames that you leave unanswered.",
        LOOP,
    );
    client
        .send(frame(MESSAGE))
        .expect(frame(MESSAGE))
        .or_explain(
            "A frame of 60,000 bytes, which takes more than one read, wasn't echoed. An edge is \
             reported only once, so keep reading until a read would block, or until a reply is \
             waiting to be sent.",
            BACK,
        );
    let before = server.figures();
    let sent = client.flood(frame(MESSAGE), 64 << 20);
    let kept = server.figures().descriptors >= before.descriptors;
    check(kept, "the connection kept open", "it is closed").or_explain(
        "A client didn't read its replies for a moment, and you closed its connection. It may just \
         be slow: keep the waiting reply, and don't read from this client until there is room to \
         send it.",
        BACK,
    );
    let mib = sent >> 20;
    // And five more, to tell the cost of each client from what the program needs anyway.
    let mut more = server.connect_many(5);
    for client in &mut more {
        client.flood(frame(MESSAGE), 24 << 20);
    }
    let grown = (server.figures().peak_memory_kib - before.peak_memory_kib) / 1024;
    if needs::linux() {
        check(
            grown < 6,
            "memory for one frame and its reply per client, far less than a MiB",
            format!(
                "{grown} MiB more, for six clients that read nothing; the first sent {mib} MiB"
            ),
        )
        .or_explain(
            "A client keeps sending and doesn't read its replies, and they pile up in your memory. \
             Don't read from a client while its replies are waiting to be sent: then it is the \
             client that has to wait.",
            BACK,
        );
    }

    let held = more.iter().chain([&client]).filter_map(Peer::held).max();

    explain(
        "The client has started to read, and some of its replies are missing. Don't drop any \
         reply. When the waiting replies are sent, read again without waiting for an event, \
         because the unread bytes were reported long ago, and an edge is reported only once.",
        BACK,
    );
    let length = frame(MESSAGE).len();
    for _ in 0..sent / length {
        client.expect(frame(MESSAGE)).now();
    }
    client.send(&frame(MESSAGE)[sent % length..]).half_close();
    client.expect(frame(MESSAGE)).now();
    // Only now: for a program that threw replies away, this would give the wrong explanation.
    check(
        held.is_none_or(|bytes| bytes < HELD),
        "one frame and its reply held per client, far less than half a MiB",
        format!(
            "{} bytes read from a client without a reply",
            held.unwrap_or(0)
        ),
    )
    .or_explain(
        "A client didn't read its replies, and you stopped reading from it too late. Everything \
         that it sends until then stays in your memory, and every other slow client adds as much. \
         Stop reading as soon as one reply is waiting.",
        BACK,
    );
    client.expect_end().or_explain(
        "The client has stopped sending and has all its replies, but its connection is still open. \
         Close it.",
        BACK,
    );
    drop(more);
    an_end_while_replies_wait(&server);
}

/// A client half-closes while its replies are waiting, and then reads them.
fn an_end_while_replies_wait(server: &Running) {
    explain(
        "A client half-closed its connection while its replies were waiting, and some of them are \
         missing. The client has stopped sending, but it still expects your replies, so send the \
         waiting ones, keep reading, and close the connection only after you have read the end of \
         the stream.",
        BACK,
    );
    let mut leaving = server.connect();
    leaving.patience(Duration::from_millis(400));
    // Frame by frame, until one frame isn't read: then replies are waiting, and the end of the
    // stream is not stuck behind more requests than the kernel has room for.
    let mut frames = 0;
    let is_read = |leaving: &mut Peer| {
        let sent = Instant::now();
        leaving.send(frame(MESSAGE)).wait_until_read();
        sent.elapsed() < Duration::from_millis(400)
    };
    while frames < 1000 && is_read(&mut leaving) {
        frames += 1;
    }
    leaving.patience(Duration::from_secs(4));
    leaving.half_close().stall_reading();
    for _ in 0..=frames {
        leaving.expect(frame(MESSAGE)).now();
    }
    leaving.expect_gone().now();
}

#[test]
fn the_others_are_served() {
    let server = program!().listen();
    let mut before = server.connect();
    explain(
        "A client that reads its replies was not served. Echo each of its frames, whatever the \
         other clients do.",
        LOOP,
    );
    is_served(&mut before);
    let mut stuck = [server.connect(), server.connect()];
    for client in &mut stuck {
        client.flood(frame(MESSAGE), 64 << 20);
    }
    explain(
        "Two clients aren't reading their replies, and other clients are stuck waiting behind \
         them. When a write would block, keep the bytes that are left, register for writability, \
         and return to the loop.",
        BACK,
    );
    is_served(&mut before);
    let mut cut_short = server.connect();
    cut_short.send(&frame("cut short")[..6]).wait_until_read();
    cut_short.half_close().expect_gone().or_explain(
        "A client ended its stream inside a frame, and you still hold its connection. Nothing more \
         will arrive from it. Half a frame at the end of the stream is an error: close the \
         connection.",
        LOOP,
    );
    before
        .drip(frame("in pieces"))
        .expect(frame("in pieces"))
        .now();
    is_served(&mut server.connect());
    server.expect_idle().or_explain(
        "Two clients aren't reading their replies and there is nothing else to do, but your loop \
         keeps spinning. Wait for the one event that matters, room to write, which poll() reports.",
        BACK,
    );
    is_served(&mut before);
}
