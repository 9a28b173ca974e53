//! Does one thread serve all clients, and sleep when none of them wants anything?

use std::time::Duration;

use scripted_peer::{Peer, Running, Signal, check, explain, frame, needs, program};

const STATE: &str = "12-one-thread-many-sockets.html#what-a-thread-kept-for-you";
const LOOP: &str = "12-one-thread-many-sockets.html#the-loop";
const EDGE: &str = "12-one-thread-many-sockets.html#level-and-edge";
const WRITE: &str = "12-one-thread-many-sockets.html#ask-for-writability-only-while-you-need-it";

fn is_served(peer: &mut Peer) {
    peer.send(frame("hello")).expect(frame("hello")).now();
}

/// What `script` does happens while the program is stopped: it wakes up to a single edge.
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
    explain("Every client is served, fifty at once.", LOOP);
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
         ready, and do for each only what needs no waiting.",
        LOOP,
    );
}

#[test]
fn five_hundred_idle_clients_cost_nothing() {
    if !needs::linux() {
        return;
    }
    const ASKS: &str = "There is nothing to do, but your loop keeps spinning. poll() with no \
                        timeout sleeps until there is an event.";
    let server = program!().limit("-n", 1000).listen();
    server.expect_idle().or_explain(ASKS, LOOP);
    explain(
        "Twenty clients came at the same moment, and one event said that the listener is ready. \
         Accept until WouldBlock, or some of them wait until another client comes.",
        EDGE,
    );
    let mut clients = Vec::new();
    in_one_edge(&server, || clients = server.connect_many(20));
    is_served(clients.last_mut().expect("twenty of them"));
    explain("A client among five hundred is not served.", LOOP);
    clients.extend(server.connect_many(480));
    clients.iter_mut().step_by(50).for_each(is_served);
    server.expect_idle().or_explain(
        "Five hundred clients are connected and say nothing, but your loop keeps spinning. A \
         socket is nearly always ready for writing: register for that only while something waits \
         to be sent, and deregister afterwards.",
        WRITE,
    );
    for client in clients.drain(..250) {
        client.close();
    }
    is_served(&mut clients[0]);
    server.expect_idle().or_explain(
        "Half of the clients have left, and now your loop keeps spinning. At the end of the stream \
         a read returns 0, again and again: drop the client then.",
        STATE,
    );
}

#[test]
fn any_split_is_the_same_message() {
    explain(
        "A read returned a part of a frame, and the rest comes with a later event. Keep what has \
         come, for each client, until the frame is whole.",
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
    peer.coalesce(&messages).expect(messages.concat()).or_explain(
        "Several frames came at once. Answer all that are whole: no event will tell you again of those \
         that you leave.",
        EDGE,
    );

    explain(
        "More came at once than one read returns, and an edge is reported only once. Read until \
         WouldBlock, or the rest stays in the socket until the client happens to send more.",
        EDGE,
    );
    let large = frame(vec![b'x'; 40_000]);
    in_one_edge(&server, || {
        peer.send(&large);
    });
    peer.expect(&large).now();
    let most = frame(vec![b'x'; 65_536]);
    peer.send(&most).expect(&most).or_explain(
        "A payload of 65,536 bytes is not too long: the limit itself is allowed.",
        STATE,
    );
    in_one_edge(&server, || {
        peer.send(frame("last words")).half_close();
    });
    peer.expect(frame("last words")).now();
    peer.expect_end().or_explain(
        "The last bytes and the end of the stream came with one event. A read that returns less than \
         it could is not the last one: read until WouldBlock or 0, then close.",
        EDGE,
    );
    is_served(&mut other);
}

#[test]
fn a_silent_client_blocks_nobody() {
    explain(
        "One client says nothing, or half a frame, and another waits for it. Nothing in the loop may \
         wait for a client: make every socket non-blocking, and return to poll() at WouldBlock.",
        LOOP,
    );
    let server = program!().listen();
    let mut silent = server.connect();
    let mut half = server.connect();
    half.send(&frame("half")[..6]).wait_until_read();
    is_served(&mut server.connect());
    half.pause(Duration::from_millis(1100));
    const PATIENT: &str = "A client said nothing for a second, and then it was not served. It may be silent for \
                           as long as it likes, between two frames and inside one: it costs you a few bytes.";
    half.send(&frame("half")[6..])
        .expect(frame("half"))
        .or_explain(PATIENT, STATE);
    silent
        .send(frame("hello"))
        .expect(frame("hello"))
        .or_explain(PATIENT, STATE);

    explain(
        "One client's error ended the service of another. Drop that client, and go on.",
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
        "A client ended inside a frame, and you keep it. Nothing more will come from it, and no \
         event will say so: at the end of the stream, half a frame is an error.",
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
        sent += slow.flood(&message[..100], 100); // it ends inside a frame, wherever it ends
    }
    explain(
        "A client reads no replies, and another one has to wait for it. When a write would block, \
         return to poll(): trying again at once is waiting, too, and keeps a processor busy.",
        WRITE,
    );
    is_served(&mut other);
    explain(
        "A client read its replies late, and some of them are missing. You still have to send the \
         bytes that a write didn't take: keep them, register for writing, and go on when there is \
         room.",
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
            "Everything is sent, but your loop keeps spinning. Once nothing waits to be sent, \
             deregister from writing.",
            WRITE,
        );
    }

    explain(
        "A client half-closed and read its replies late, and some of them are missing. The end of \
         its requests is not the end of your replies: you are done with a client only when nothing \
         waits to be sent, either.",
        STATE,
    );
    let mut last = server.connect();
    let sent = last.flood(&message, 24 << 20);
    last.send(&message[sent % message.len()..]);
    // The end is told with an event of its own, unless the program reads no more while replies wait.
    last.patience(Duration::from_millis(500)).wait_until_read();
    // And it is to be seen before there is room: whoever reads on makes some.
    last.patience(Duration::from_secs(4))
        .half_close()
        .stall_reading();
    for _ in 0..=sent / message.len() {
        last.expect(&message).now();
    }
    last.expect_end().now();

    explain(
        "A client ended inside a frame while its replies waited, and some of them are missing. \
         Half a frame gets no reply, but the whole frames before it do: send what waits, then \
         end.",
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
        "A client ended its stream inside a frame. It has got its replies, and you still \
         hold its connection. Half a frame at the end of the stream is an error: close \
         the connection.",
        STATE,
    );
}
