//! Does one thread serve all clients, and sleep when there is nothing to do for any of them?

use std::time::Duration;

use scripted_peer::{Peer, Running, Signal, check, explain, frame, needs, program};

const STATE: &str = "12-one-thread-many-sockets.html#what-a-thread-kept-for-you";
const LOOP: &str = "12-one-thread-many-sockets.html#the-loop";
const EDGE: &str = "12-one-thread-many-sockets.html#level-and-edge";
const WRITE: &str = "12-one-thread-many-sockets.html#ask-for-writability-only-while-you-need-it";

fn is_served(peer: &mut Peer) {
    peer.send(frame("hello")).expect(frame("hello")).now();
}

/// Runs `script` while the program is stopped, so that the program wakes up to a single edge.
fn in_one_edge(server: &Running, script: impl FnOnce()) {
    server.signal(Signal::STOP);
    script();
    server.signal(Signal::CONT);
}

#[test]
fn one_thread() {
    if !needs::linux() {
        return;
    }
    explain(
        "Fifty clients are connected, and one of them was not served. Serve each client, however \
         many others are connected.",
        LOOP,
    );
    let server = program!().listen();
    let client = |_| {
        let mut client = server.connect();
        is_served(&mut client);
        client
    };
    let _clients: Vec<_> = (0..50).map(client).collect();
    let threads = server.figures().threads;
    check(
        threads == 1,
        "one thread for fifty clients",
        format!("{threads} threads"),
    )
    .or_explain(
        "Fifty clients are served, but by more than one thread. Ask poll() which sockets are \
         ready, and for each of them do only what can be done without blocking.",
        LOOP,
    );
}

#[test]
fn five_hundred_idle_clients_cost_nothing() {
    if !needs::linux() {
        return;
    }
    const ASKS: &str = "There is nothing to do, but your loop keeps spinning. Call poll() without \
                        a timeout: it sleeps until there is an event.";
    let server = program!().limit("-n", 1000).listen();
    server.expect_idle().or_explain(ASKS, LOOP);
    explain(
        "Twenty clients connected at the same moment, one event reported that the listener was \
         ready, and not all of them are served. Accept until WouldBlock; otherwise some of them \
         wait until another client connects.",
        EDGE,
    );
    let mut clients = Vec::new();
    in_one_edge(&server, || clients = server.connect_many(20));
    is_served(clients.last_mut().expect("twenty of them"));
    explain(
        "One of five hundred clients was not served. Serve every client, however many are \
         connected.",
        LOOP,
    );
    clients.extend(server.connect_many(480));
    clients.iter_mut().step_by(50).for_each(is_served);
    server.expect_idle().or_explain(
        "Five hundred clients are connected and send nothing, but your loop keeps spinning. A \
         socket is nearly always ready for writing: register for writability only while bytes are \
         waiting to be sent.",
        WRITE,
    );
    for client in clients.drain(..250) {
        client.close();
    }
    is_served(&mut clients[0]);
    server.expect_idle().or_explain(
        "Half the clients have left, and now your loop keeps spinning. At the end of the stream, \
         every read returns 0, so drop the client at the first 0.",
        STATE,
    );
}

#[test]
fn any_split_is_the_same_message() {
    explain(
        "A read returned part of a frame, the rest arrived with a later event, and you didn't echo \
         that frame correctly. For each client, keep the bytes that have arrived until the frame \
         is complete.",
        STATE,
    );
    let server = program!().listen();
    let (mut peer, mut other) = (server.connect(), server.connect());
    let messages = ["hello", "", "more than 256 bytes ".repeat(15).as_str()].map(frame);
    for message in &messages {
        peer.send(&message[..2]).wait_until_read();
        other.drip(message).expect(message).now();
        peer.drip(&message[2..]).expect(message).now();
    }
    peer.coalesce(&messages)
        .expect(messages.concat())
        .or_explain(
            "Several frames arrived at once, and not all of them were echoed. Echo every complete \
             frame: no further event will report the frames that you leave.",
            EDGE,
        );

    explain(
        "More bytes arrived at once than one read returns, and not all of them were echoed. An \
         edge is reported only once, so read until WouldBlock; otherwise the rest stays in the \
         socket until the client happens to send more.",
        EDGE,
    );
    let large = frame(vec![b'x'; 40_000]);
    in_one_edge(&server, || {
        peer.send(&large);
    });
    peer.expect(&large).now();
    let most = frame(vec![b'x'; 65_536]);
    peer.send(&most).expect(&most).or_explain(
        "A payload of 65,536 bytes wasn't echoed. That is exactly the limit, and a payload of that \
         length is still allowed.",
        STATE,
    );
    in_one_edge(&server, || {
        peer.send(frame("last words")).half_close();
    });
    peer.expect(frame("last words")).now();
    peer.expect_end().or_explain(
        "The last bytes and the end of the stream arrived with one event, and the connection is \
         still open. A read that doesn't fill the buffer isn't necessarily the last one: read \
         until WouldBlock or 0, and close the connection after the 0.",
        EDGE,
    );
    is_served(&mut other);
}

#[test]
fn a_silent_client_blocks_nobody() {
    explain(
        "One client has sent nothing, or half a frame, and another client is stuck waiting behind \
         it. Nothing in the loop may wait for one client: make every socket non-blocking, and \
         return to poll() on WouldBlock.",
        LOOP,
    );
    let server = program!().listen();
    let mut silent = server.connect();
    let mut half = server.connect();
    half.send(&frame("half")[..6]).wait_until_read();
    is_served(&mut server.connect());
    half.pause(Duration::from_millis(1100));
    const PATIENT: &str = "A client sent nothing for a second, and then it was not served. A \
                           client may be silent for as long as it likes, between two frames or \
                           inside one: it costs you only a few bytes.";
    half.send(&frame("half")[6..])
        .expect(frame("half"))
        .or_explain(PATIENT, STATE);
    silent
        .send(frame("hello"))
        .expect(frame("hello"))
        .or_explain(PATIENT, STATE);

    explain(
        "One client caused an error, and then another client was not served. Drop only the client \
         with the error, and keep serving the others.",
        LOOP,
    );
    server.connect().reset();
    server
        .connect()
        .send(u32::MAX.to_be_bytes())
        .expect_gone()
        .now();
    is_served(&mut half);
    let mut cut_short = server.connect();
    cut_short.send(&frame("cut short")[..6]).wait_until_read();
    cut_short.half_close().expect_gone().or_explain(
        "A client ended its stream inside a frame, and you still hold its connection. Nothing more \
         will arrive from it, and no event will tell you so. Half a frame at the end of the stream \
         is an error: close the connection.",
        STATE,
    );
}

#[test]
fn a_slow_reader_gets_it_all() {
    let server = program!().listen();
    let (mut slow, mut other) = (server.connect(), server.connect());
    let message = frame([b'y'; 60_000]);
    let mut sent = slow.flood(&message, 24 << 20);
    if sent % message.len() == 0 {
        sent += slow.flood(&message[..100], 100); // so that the flood ends inside a frame
    }
    explain(
        "One client isn't reading its replies, and another client is stuck waiting behind it. When \
         a write would block, go back to poll(). Retrying immediately blocks the other clients \
         just the same, and it burns CPU.",
        WRITE,
    );
    is_served(&mut other);
    explain(
        "A client read its replies late, and some of them are missing. You still have to send the \
         bytes that a write didn't accept: keep them, register for writability, and send them when \
         there is room.",
        WRITE,
    );
    for _ in 0..sent / message.len() {
        slow.expect(&message).now();
    }
    if sent % message.len() > 0 {
        slow.send(&message[sent % message.len()..])
            .expect(&message)
            .now();
    }
    if needs::linux() {
        server.expect_idle().or_explain(
            "Everything is sent, but your loop keeps spinning. Once no bytes are waiting to be \
             sent, register for reading only.",
            WRITE,
        );
    }

    explain(
        "A client half-closed its connection and read its replies late, and some of them are \
         missing. The client has stopped sending, but it still expects your replies, so drop a \
         client only when nothing is waiting to be sent to it.",
        STATE,
    );
    let mut last = server.connect();
    let sent = last.flood(&message, 24 << 20);
    last.send(&message[sent % message.len()..]);
    // The end gets its own event, unless the program stops reading while replies are waiting.
    last.patience(Duration::from_millis(500)).wait_until_read();
    // And the program must see it before there is room, which a client that reads would make.
    last.patience(Duration::from_secs(4))
        .half_close()
        .stall_reading();
    for _ in 0..=sent / message.len() {
        last.expect(&message).now();
    }
    last.expect_end().now();

    explain(
        "A client ended its stream inside a frame while replies to it were waiting, and some of \
         them are missing. Half a frame gets no reply, but the whole frames before it do, so send \
         the waiting replies, and then close the connection.",
        STATE,
    );
    let mut cut_short = server.connect();
    let sent = cut_short.flood(&message, 24 << 20);
    if sent.is_multiple_of(message.len()) {
        cut_short.send(&message[..6]);
    }
    cut_short
        .patience(Duration::from_millis(500))
        .wait_until_read();
    cut_short
        .patience(Duration::from_secs(4))
        .half_close()
        .stall_reading();
    for _ in 0..sent / message.len() {
        cut_short.expect(&message).now();
    }
    cut_short.expect_gone().or_explain(
        "A client ended its stream inside a frame. It has received its replies, but you still hold \
         its connection. Half a frame at the end of the stream is an error: close the connection.",
        STATE,
    );
}
