//! Does the program know how much of its reply has been sent?

use std::time::Duration;

use scripted_peer::{Ending, Peer, Received, Running, check, explain, needs, program};

const SHORT: &str = "05-did-write-send-it.html#a-write-takes-what-fits";
const WAIT: &str = "05-did-write-send-it.html#waiting-for-room";
const ASKS: &str = "The client isn't reading, so there is no room to write, and your program keeps \
                    waking up to try again. Call wait_until_writable(): it sleeps until there is \
                    room.";
/// More than the buffers of both ends hold.
const SIZE: usize = 16 << 20;

#[test]
fn a_slow_reader_gets_it_all() {
    for size in [10, SIZE, 1_000_003] {
        let server = program!().arg(size).listen();
        let mut peer = server.connect();
        begins(&mut peer);
        if size == SIZE {
            peer.stall_reading().pause(Duration::from_millis(1000));
        } else {
            // A client that has half-closed is still reading.
            peer.half_close();
        }
        judge(&server, size, &mut peer);
    }

    // A client that had not half-closed got the whole reply; the half-close is the only difference.
    explain(
        "The client half-closed while there was no room to write, and you stopped sending. A \
         client that half-closes sends nothing more, but it is still reading. Keep sending until \
         the reply is complete or write() fails.",
        SHORT,
    );
    let server = program!().arg(SIZE).listen();
    let mut peer = server.connect();
    begins(&mut peer).half_close().stall_reading();
    let (got, ending) = read_all(&mut peer, SIZE);
    check(
        got.len() == SIZE - 1 && ending == Ending::End,
        format!("{SIZE} bytes, then end of stream"),
        format!("{} of them, then {ending}", got.len() + 1),
    )
    .now();
}

#[test]
fn waiting_costs_no_cpu() {
    if !needs::linux() {
        return;
    }
    let patience = Duration::from_millis(2500);
    let server = program!().arg(SIZE).patience(patience).listen();
    let mut peer = server.connect();
    begins(&mut peer).half_close().stall_reading();
    server.expect_idle().or_explain(ASKS, WAIT);
    // A program that sleeps in poll(2) is not woken at all; one that sleeps for a fixed time is.
    let before = server.figures().switches;
    peer.pause(Duration::from_millis(800));
    let wakes = server.figures().switches.saturating_sub(before);
    check(
        wakes <= 2,
        "a program that sleeps until there is room",
        format!("{wakes} wakeups in 800 ms, while there was no room"),
    )
    .or_explain(ASKS, WAIT);
}

#[test]
fn the_socket_never_waits() {
    if !needs::linux() {
        return;
    }
    let server = program!().arg(SIZE).listen();
    let before = server.figures().descriptors;
    let mut peer = server.connect();
    begins(&mut peer).stall_reading();
    let now = server.figures();
    check(
        now.descriptors == before || now.nonblocking > 0,
        "a non-blocking socket, and a program that sleeps in poll(2)",
        "no descriptor with O_NONBLOCK set",
    )
    .or_explain(
        "You made the socket blocking, and your program sleeps in write(). A program with more \
         than one client can't afford that, because the others have to wait. Leave the socket \
         non-blocking: write what fits, and call wait_until_writable() when nothing does.",
        WAIT,
    );
}

#[test]
fn a_client_that_leaves_is_given_up() {
    let gone = "A client left in the middle of its reply, and you didn't report that or didn't \
                serve the next client. write() failed with an error other than WouldBlock, so the \
                socket will never accept another byte. Return that error; main() prints it and \
                serves the next client.";
    explain(gone, SHORT);
    let server = program!().arg(SIZE).listen();
    let mut peer = server.connect();
    begins(&mut peer).stall_reading();
    peer.reset();
    let mut next = server.connect();
    next.expect([0]).now();
    server.logs("a client:").now();
}

/// The first byte arrives, whatever happens to the others.
fn begins(peer: &mut Peer) -> &mut Peer {
    peer.expect([0]).or_explain(
        "The client connected, and the reply didn't begin. Send the reply as soon as a client \
         connects, even a short one; the client doesn't have to send anything first.",
        SHORT,
    );
    peer
}

/// Reads until the end and compares with the reply: the bytes from 0 to 250, repeated.
fn judge(server: &Running, size: usize, peer: &mut Peer) {
    let round: Vec<u8> = (0..=250).collect();
    let reply = &round.repeat(size / 251 + 1)[1..size];
    let (got, ending) = read_all(peer, size);
    if got == reply && ending == Ending::End {
        return;
    }
    // The first byte has already been read.
    let right = 1 + got.iter().zip(reply).take_while(|(a, b)| a == b).count();
    let refused = server.stderr().contains("unavailable");
    let (what, sentence) = match (got.get(right - 1), ending) {
        (Some(_), _) if right == size => (
            "all of them, then more bytes".to_owned(),
            "You sent some bytes twice. Count how many bytes each write accepted, and continue \
             with the byte after those.",
        ),
        (Some(0), _) => (
            format!("{right} of them, then the reply from its beginning"),
            "You sent the reply from its beginning again. An error from write_all() doesn't say \
             how many bytes were sent before it. Call write(), which returns that number, and \
             continue from there.",
        ),
        (Some(_), _) => (
            format!("{right} of them, then bytes from elsewhere in the reply"),
            "A piece of the reply is missing or was sent twice. A write that accepts only part of \
             a chunk has not failed: send the rest of that chunk next, and nothing but the rest.",
        ),
        (None, ending) if right == size => (
            format!("all of them, then {ending}"),
            "The whole reply arrived, but the connection did not end with an end of stream. Return \
             when the last byte has been accepted: that closes the connection cleanly.",
        ),
        (None, Ending::Silence) => (
            format!("{right} of them, then silence"),
            "The client is reading again, so there is room, but you stopped sending. Wait for room \
             every time a write would block, then send the next bytes.",
        ),
        (None, ending) if refused => (
            format!("{right} of them, then {ending}"),
            "The socket's buffer was full, and you gave up at `WouldBlock`. That isn't a failure: \
             wait until there is room, and send the rest.",
        ),
        (None, ending) if server.stderr().contains("a client:") => (
            format!("{right} of them, then {ending}"),
            "The client stopped reading for a second, and you gave up on it. It is slow, but it \
             hasn't left. Wait for room without a timeout.",
        ),
        (None, ending) => (
            format!("{right} of them, then {ending}"),
            "write() accepted only as many bytes as fit into the buffer, and returned that number, \
             but you didn't send the rest. Keep writing until all the bytes have been accepted.",
        ),
    };
    check(false, format!("{size} bytes, then end of stream"), what).or_explain(sentence, SHORT);
}

/// Everything that arrives until the end, or until it is more than `most`.
fn read_all(peer: &mut Peer, most: usize) -> (Vec<u8>, Ending) {
    let mut got = Vec::new();
    loop {
        if got.len() > most {
            return (got, Ending::Silence);
        }
        match peer.receive() {
            Received::Bytes(bytes) => got.extend(bytes),
            Received::Ended(ending) => return (got, ending),
        }
    }
}
