//! Is one receive one message, and does a slow receiver keep nobody waiting?

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::time::Duration;

use scripted_peer::{
    DatagramPeer, Running, Stopwatch, check, eventually, explain, folder, needs, program,
};

const MESSAGES: &str = "15-can-i-send-an-open-file.html#one-receive-is-one-message";
const CUT: &str = "15-can-i-send-an-open-file.html#what-does-not-fit-is-gone";
const NAMES: &str = "15-can-i-send-an-open-file.html#who-can-be-answered";
const FULL: &str = "15-can-i-send-an-open-file.html#a-full-queue-makes-the-sender-wait";

const LIMIT: usize = 256;

/// A limit beyond any fixed-size buffer that is large enough for ordinary messages.
const GREAT: usize = 90_000;

/// How many answers find a queue full, and how long all of them may take in the quickest round (not
/// counting time that a busy machine takes): a millisecond per answer. That is far more than a correct
/// program needs, and less than the shortest sleep adds.
const MORE: usize = 300;
const MORE_WITHIN: Duration = Duration::from_millis(300);
const MORE_ROUNDS: usize = 3;

fn receiver() -> Running {
    program!().arg(LIMIT).listen_on_path()
}

/// The program has printed these lines after `listening on`, or does so soon, and nothing else.
fn has_printed<L: AsRef<[u8]>>(server: &Running, lines: &[L]) {
    let wanted: Vec<_> = lines
        .iter()
        .map(|line| [line.as_ref(), b"\n"].concat())
        .collect();
    let wanted = wanted.concat();
    let mut got = Vec::new();
    let mut come = || {
        let all = server.stdout_so_far();
        let first = all.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        got = all[(first + 1).min(all.len())..].to_vec();
        got.len() >= wanted.len()
    };
    eventually("a line for each message on standard output", || {
        come() || server.has_ended()
    })
    .now();
    let expected = format!("{:?}", shortened(&wanted));
    check(got == wanted, expected, format!("{:?}", shortened(&got))).now();
}

fn shortened(text: &[u8]) -> Vec<String> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let lines = text.split(|byte| *byte == b'\n');
    let line = |line: &[u8]| match line.get(..24) {
        Some(start) => format!("{}…", start.escape_ascii()),
        None => line.escape_ascii().to_string(),
    };
    lines.map(line).collect()
}

#[test]
fn one_receive_is_one_message() {
    explain(
        "Your program did not print or answer a message correctly. Print one line per message: how \
         many bytes it has, then the bytes. A datagram socket keeps messages apart: one receive \
         returns one message, never two, and never part of one with the rest later. Print only \
         what you received, and nothing else that is in the buffer.",
        MESSAGES,
    );
    let server = receiver();
    let mut peer = server.datagram_peer();
    peer.send("a rather long message").expect("ok").now();
    server.in_one_edge(|| {
        peer.send("one").send("two").send("three");
    });
    for _ in 0..3 {
        peer.expect("ok").now();
    }
    let printed = ["21 a rather long message", "3 one", "3 two", "5 three"];
    has_printed(&server, &printed);
    explain(
        "Your program did not print or answer this message correctly. The number in the line \
         counts bytes, not characters. Print the bytes exactly as they arrived: they may not be \
         text, and spaces and newlines are part of the message.",
        MESSAGES,
    );
    let odd: [&[u8]; 4] = [b"caf\xe9", "caf\u{e9}".as_bytes(), b" spaced ", b"a line\n"];
    for message in odd {
        peer.send(message).expect("ok").now();
    }
    let printed = printed.map(str::as_bytes);
    let as_they_came: [&[u8]; 4] = [
        b"4 caf\xe9",
        "5 caf\u{e9}".as_bytes(),
        b"8  spaced ",
        b"7 a line\n",
    ];
    let printed = [&printed[..], &as_they_came].concat();
    has_printed(&server, &printed);

    explain(
        "Two senders sent a message each, and at least one of them did not get its answer. Send \
         each answer to the sender of its message: the call that receives a message also returns \
         the sender's address.",
        NAMES,
    );
    let mut other = server.datagram_peer();
    server.in_one_edge(|| {
        peer.send("mine");
        other.send("ours");
    });
    other.expect("ok").now();
    peer.expect("ok").now();
    has_printed(&server, &[&printed[..], &[b"4 mine", b"4 ours"]].concat());
}

#[test]
fn an_empty_message_is_a_message() {
    explain(
        "Your program did not handle a message of 0 bytes like any other message. A datagram \
         socket has no end of stream, so 0 does not mean end of stream here. Print the message, \
         answer it, and continue.",
        MESSAGES,
    );
    let server = receiver();
    let mut peer = server.datagram_peer();
    peer.send("one").expect("ok").now();
    peer.send("").expect("ok").now();
    peer.send("two").expect("ok").now();
    let mut other = server.datagram_peer();
    other.send("").expect("ok").now();
    other.send("three").expect("ok").now();
    has_printed(&server, &["3 one", "0 ", "3 two", "0 ", "5 three"]);
}

#[test]
fn a_cut_message_is_told() {
    explain(
        "This message is longer than the limit, and your program did not report that. The bytes \
         that don't fit into the buffer are discarded, and the call still succeeds. Detect this \
         (by the flag MSG_TRUNC, or with room for one more byte), then print and answer `too long` \
         instead of a part of the message.",
        CUT,
    );
    let server = receiver();
    let mut peer = server.datagram_peer();
    peer.send("x".repeat(300)).expect("too long").now();
    peer.send("x".repeat(LIMIT + 1)).expect("too long").now();
    explain(
        "This message has exactly as many bytes as the limit allows, so it is complete, but your \
         program did not accept it. A full buffer doesn't prove that there was more.",
        CUT,
    );
    let full = "x".repeat(LIMIT);
    peer.send(&full).expect("ok").now();
    explain(
        "After a message that was too long, your program did not handle the next message \
         correctly. Nothing is left of a message that was too long, so the next receive returns \
         the next message.",
        CUT,
    );
    peer.send("x".repeat(100_000)).expect("too long").now();
    peer.send("after").expect("ok").now();
    let full = format!("{LIMIT} {full}");
    let printed = ["too long", "too long", &full, "too long", "5 after"];
    has_printed(&server, &printed);

    explain(
        "Your program was started with a limit of 90,000 bytes, but it did not apply that limit. A \
         buffer of a fixed size truncates longer messages. Create a buffer that fits your limit.",
        CUT,
    );
    let server = program!().arg(GREAT).listen_on_path();
    let mut peer = server.datagram_peer();
    let full = "x".repeat(GREAT);
    peer.send(&full).expect("ok").now();
    peer.send("x".repeat(GREAT + 1)).expect("too long").now();
    has_printed(&server, &[&format!("{GREAT} {full}"), "too long"]);
}

#[test]
fn who_has_no_name_is_survived() {
    explain(
        "After a message from a sender without an address, your program did not answer the next \
         message. That sender never called bind(), so it can't be answered, and that is not an \
         error. Print its message and continue with the next one.",
        NAMES,
    );
    let server = receiver();
    let mut peer = server.datagram_peer();
    server.unnamed_datagram_peer().send("nobody's");
    peer.send("mine").expect("ok").now();
    explain(
        "A sender was gone before its answer was sent, and after that your program did not answer \
         the next message. Sending the answer fails, but that affects only this one sender, so \
         continue with the next message.",
        NAMES,
    );
    server.in_one_edge(|| {
        server.datagram_peer().send("and gone");
    });
    peer.send("still here").expect("ok").now();
    let folder = folder();
    let path = folder.join("left-behind");
    server.in_one_edge(|| {
        DatagramPeer::at(&path).send_to(server.path(), "its path stays");
    });
    explain(
        "A sender was gone before its answer was sent, and its path was left behind. After that \
         your program did not answer the next message. Sending fails with ECONNREFUSED instead of \
         ENOENT here, but that affects only this one sender, so continue with the next message.",
        NAMES,
    );
    peer.send("and I, too").expect("ok").now();
    explain(
        "A new sender uses the name that a sender left behind, and your program did not answer it. \
         Even if an answer to a name has failed once, keep sending answers to that name.",
        NAMES,
    );
    fs::remove_file(&path).expect("it was left behind");
    DatagramPeer::at(&path)
        .send_to(server.path(), "back again")
        .expect("ok")
        .now();
    explain(
        "A sender was gone, a stream listener had taken over its name, and then your program did \
         not answer the next message. Sending to that name fails with EPROTOTYPE. A failed send \
         affects only that one sender, whatever the error is, so continue with the next message.",
        NAMES,
    );
    let path = folder.join("a-stream-now");
    let _listener = server.in_one_edge(|| {
        DatagramPeer::at(&path).send_to(server.path(), "another's now");
        fs::remove_file(&path).expect("it was left behind");
        UnixListener::bind(&path).expect("nothing is there")
    });
    peer.send("so am I").expect("ok").now();
    let printed = [
        "8 nobody's",
        "4 mine",
        "8 and gone",
        "10 still here",
        "14 its path stays",
        "10 and I, too",
        "10 back again",
        "13 another's now",
        "7 so am I",
    ];
    has_printed(&server, &printed);
    #[cfg(target_os = "linux")]
    odd_names_are_names(&server);
}

#[cfg(target_os = "linux")]
fn odd_names_are_names(server: &Running) {
    use std::ffi::OsStr;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::SocketAddr;
    let folder = folder();
    let path = folder.join(OsStr::from_bytes(b"caf\xe9"));
    DatagramPeer::at(&path)
        .send_to(server.path(), "bytes")
        .expect("ok")
        .or_explain(
            "Your program did not answer a sender whose name is not text: its path is \
             \"caf\\xe9\". A name is a sequence of bytes. Send the answer to the address exactly as \
             you received it with the message.",
            NAMES,
        );
    let name = format!("scripted-peer-{}", server.pid());
    let name = SocketAddr::from_abstract_name(name).expect("it is short");
    let socket = UnixDatagram::bind_addr(&name).expect("nobody else has that name");
    let patience = Duration::from_secs(4);
    socket
        .set_read_timeout(Some(patience))
        .expect("it is no zero");
    let sent = socket.send_to(b"abstract", server.path());
    let mut answer = [0; 16];
    let got = sent.and_then(|_| socket.recv(&mut answer));
    let got = got.map_or_else(
        |error| error.to_string(),
        |length| String::from_utf8_lossy(&answer[..length]).into_owned(),
    );
    check(got == "ok", "ok, for a sender with an abstract name", got).or_explain(
        "Your program did not answer a sender with an abstract name. A name doesn't have to be a \
         path. Send the answer to the address that you received with the message, whatever kind it \
         is.",
        NAMES,
    );
}

/// Fills the queue of a peer. Returns with how many messages.
fn fill(peer: &DatagramPeer) -> usize {
    let socket = UnixDatagram::unbound().expect("a socket");
    socket.set_nonblocking(true).expect("a socket can be");
    let sent = (0..100_000).map(|_| socket.send_to(b"filler", peer.address().path()));
    let full = |error: &ErrorKind| *error == ErrorKind::WouldBlock;
    let mut count = 0;
    for one in sent {
        match one {
            Ok(_) => count += 1,
            // macOS and the BSDs say ENOBUFS.
            Err(error) if full(&error.kind()) || !cfg!(target_os = "linux") => break,
            Err(error) => needs::working(false, &format!("a queue to fill: {error}")),
        }
    }
    count
}

/// Sends many messages whose answers find a full queue, in a time that is enough if none waits. Returns
/// how many.
fn asks_without_listening(slow: &mut DatagramPeer) -> usize {
    let mut most = 0;
    let mut all = 0;
    for _ in 0..MORE_ROUNDS {
        let watch = Stopwatch::start();
        let mut sent = 0;
        while sent < MORE && watch.elapsed() < MORE_WITHIN {
            slow.send("more");
            sent += 1;
        }
        all += sent;
        most = most.max(sent);
        if most == MORE {
            break;
        }
    }
    let expected = format!("{MORE} messages to be received within {MORE_WITHIN:?}");
    let got = format!("{most} of them in the best of {MORE_ROUNDS} rounds");
    check(most == MORE, expected, got).or_explain(
        "Your program waits, if only for a moment, when it can't deliver an answer. A sender can \
         repeat that delay with as many messages as it likes. Drop the answer instead of waiting \
         for room or trying again.",
        FULL,
    );
    all
}

#[test]
fn a_full_queue_keeps_nobody_waiting() {
    let server = receiver();
    let [mut slow, mut other] = [server.datagram_peer(), server.datagram_peer()];
    other.send("first").expect("ok").now();
    let threads = server.figures().threads;
    let fillers = fill(&slow);
    for _ in 0..3 {
        slow.send("one").send("two").send("three");
    }
    explain(
        "One sender isn't reading its answers, its queue is full, and now another sender gets no \
         answer. Unlike UDP, a Unix socket doesn't discard messages for a full queue: it makes the \
         sending program wait. Here your program is waiting, and every other sender waits with it. \
         Use a non-blocking send (MSG_DONTWAIT), and drop an answer that can't be delivered.",
        FULL,
    );
    for _ in 0..3 {
        other.send("second").expect("ok").now();
    }
    eventually("no more threads than before", || {
        server.figures().threads <= threads
    })
    .or_explain(
        "Your program starts a thread for each answer, so a sender that doesn't read its answers \
         decides how many threads you have. Drop an answer that can't be delivered.",
        FULL,
    );
    let more = asks_without_listening(&mut slow);
    other.send("third").expect("ok").now();
    server.expect_idle().or_explain(
        "Your program burns CPU time while no message is arriving, because it keeps polling. \
         Receiving should block; only sending should not.",
        FULL,
    );

    explain(
        "This sender has emptied its queue, but it did not get an answer to its next message, or \
         it got other answers as well. Drop only the answers that found the queue full, and answer \
         again as soon as there is room.",
        FULL,
    );
    for _ in 0..fillers {
        slow.expect("filler").now();
    }
    slow.expect_nothing_yet().now();
    slow.send("four").expect("ok").now();
    slow.expect_nothing_yet().now();
    let (asked, seconds) = (["3 one", "3 two", "5 three"].repeat(3), ["6 second"; 3]);
    let more = vec!["4 more"; more];
    let printed = [
        &["5 first"][..],
        &asked,
        &seconds,
        &more,
        &["5 third", "4 four"],
    ];
    let printed = printed.concat();
    has_printed(&server, &printed);
}
