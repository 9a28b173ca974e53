//! Does a client that takes no replies have to wait, and nobody else?

use std::time::{Duration, Instant};

use scripted_peer::{Peer, Running, check, explain, frame, needs, program};

const BACK: &str = "12-one-thread-many-sockets.html#backpressure";
const LOOP: &str = "12-one-thread-many-sockets.html#the-loop";

/// More than a frame, its reply, and what the buffers of a framework take in beside them.
const HELD: usize = 512 << 10;

static MESSAGE: [u8; 60_000] = [b'x'; 60_000];

fn is_served(peer: &mut Peer) {
    peer.send(frame("hello")).expect(frame("hello")).now();
}

#[test]
fn a_client_that_never_reads_is_bounded() {
    explain("A client that reads its replies is served.", LOOP);
    let server = program!().listen();
    let mut client = server.connect();
    is_served(&mut client);
    let three = ["one", "two", "three"].map(frame);
    client.coalesce(&three).expect(three.concat()).or_explain(
        "Three frames came in one read. Each of them must get a reply, and no further event will \
         tell you of those that you left.",
        LOOP,
    );
    client.send(frame(MESSAGE)).expect(frame(MESSAGE)).or_explain(
        "A frame of 60,000 bytes takes more than one read. After a read that brought bytes, go on until \
         one brings nothing or a reply waits: an edge is reported only once.",
        BACK,
    );
    let before = server.figures();
    let sent = client.flood(frame(MESSAGE), 64 << 20);
    let kept = server.figures().descriptors >= before.descriptors;
    check(kept, "the connection kept open", "it is closed").or_explain(
        "A client read no reply for a moment, and you hung up on it. It may be slow: keep the \
         reply that waits, and read no more from this client until there is room to send it.",
        BACK,
    );
    let mib = sent >> 20;
    // And five more, so that what each of them costs can be told from what the program needs anyway.
    let mut more = server.connect_many(5);
    for client in &mut more {
        client.flood(frame(MESSAGE), 24 << 20);
    }
    let grown = (server.figures().peak_memory_kib - before.peak_memory_kib) / 1024;
    if needs::linux() {
        check(
            grown < 6,
            "the memory of a frame and its reply for each client, far less than a MiB",
            format!(
                "{grown} MiB more, for six clients that read nothing; the first sent {mib} MiB"
            ),
        )
        .or_explain(
            "A client keeps sending and reads no replies, and they pile up in your memory. Read no \
             more from a client while its replies wait: then it is the client that has to wait.",
            BACK,
        );
    }

    let held = more.iter().chain([&client]).filter_map(Peer::held).max();

    explain(
        "The client has begun to read, and it doesn't get a reply to each of its frames. Drop none \
         of them. When the replies are sent, read on without waiting for an event: the event for \
         the bytes that wait to be read came long ago, and an edge is reported only once.",
        BACK,
    );
    let length = frame(MESSAGE).len();
    for _ in 0..sent / length {
        client.expect(frame(MESSAGE)).now();
    }
    client.send(&frame(MESSAGE)[sent % length..]).half_close();
    client.expect(frame(MESSAGE)).now();
    // Only now: of a program that threw replies away it would say something else.
    check(
        held.is_none_or(|bytes| bytes < HELD),
        "a frame and its reply, far less than half a MiB, held for each client",
        format!(
            "{} bytes from a client, read and not answered",
            held.unwrap_or(0)
        ),
    )
    .or_explain(
        "A client read no replies, and you stopped reading from it, but too late: whatever it \
         sends until then fills your memory, for each such client. Read no more while a reply \
         waits, even the first.",
        BACK,
    );
    client.expect_end().or_explain(
        "Everything is answered and the client sends no more: end its connection.",
        BACK,
    );
    drop(more);
    an_end_while_replies_wait(&server);
}

/// A client half-closes while its replies wait, and then reads them.
fn an_end_while_replies_wait(server: &Running) {
    explain(
        "A client half-closed while its replies waited, and some of them are missing. The end of \
         its requests is not the end of your replies: send what waits, read on, and end when you \
         have read the end.",
        BACK,
    );
    let mut leaving = server.connect();
    leaving.patience(Duration::from_millis(400));
    // Frame by frame, until one of them isn't read: replies wait, and the end is not held up behind
    // more requests than the kernel has room for.
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
    explain("A client that reads its replies is served.", LOOP);
    is_served(&mut before);
    let mut stuck = [server.connect(), server.connect()];
    for client in &mut stuck {
        client.flood(frame(MESSAGE), 64 << 20);
    }
    explain(
        "Two clients read no replies, and the others have to wait for them. When a write would \
         block, keep what is left, register for writing, and return to the loop.",
        BACK,
    );
    is_served(&mut before);
    let mut cut_short = server.connect();
    cut_short.send(&frame("cut short")[..6]).wait_until_read();
    cut_short.half_close().expect_gone().or_explain(
        "A client ended inside a frame, and you keep it. Nothing more will come from it: at the \
         end of the stream, half a frame is an error.",
        LOOP,
    );
    before
        .drip(frame("in pieces"))
        .expect(frame("in pieces"))
        .now();
    is_served(&mut server.connect());
    server.expect_idle().or_explain(
        "Two clients read no replies, there is nothing else to do, but your loop keeps spinning. \
         Wait for the one event that matters, that there is room to write: poll() reports it.",
        BACK,
    );
    is_served(&mut before);
}
