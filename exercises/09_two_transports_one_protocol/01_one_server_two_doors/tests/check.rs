//! Does the program speak the same frames at both doors?

use std::time::Duration;

use scripted_peer::{Folder, Running, check, contains, explain, folder, frame, program};

const ONE: &str = "09-two-transports-one-protocol.html#one-server-any-stream";
const UNKNOWN: &str = "09-two-transports-one-protocol.html#an-address-that-says-what-it-is";

/// The same program at a TCP address, and at a path with a name that looks like one.
fn both_doors(folder: &Folder) -> [Running; 2] {
    let path = folder.join("tcp:127.0.0.1");
    let tcp = program!().listen_on("tcp:127.0.0.1:0").or_explain(
        "Listen where the argument says: `tcp:`, and then HOST:PORT as TcpListener::bind takes it.",
        UNKNOWN,
    );
    let unix = program!().listen_on(format!("unix:{}", path.display()));
    let unix = unix.or_explain(
        "Listen where the argument says: `unix:`, and then a path, which may contain anything, \
         even `tcp:`. The part before the first colon decides.",
        UNKNOWN,
    );
    for (server, scheme) in [(&tcp, "tcp:"), (&unix, "unix:")] {
        server.prints(&format!("listening on {scheme}")).or_explain(
            "Print the address in the form that it was given in: a client needs to know which kind \
             it is.",
            UNKNOWN,
        );
    }
    let given = format!("listening on unix:{}", path.display());
    check(
        unix.stdout().trim_end() == given,
        given,
        unix.stdout().trim_end(),
    )
    .or_explain(
        "Print the path as it was given, all of it and without quotes. This one contains a colon: \
         the part before the first colon is the kind, and everything after it is the path.",
        UNKNOWN,
    );
    let port = tcp.stdout().trim_end().ends_with(":0");
    check(!port, "the port that it got", "port 0").or_explain(
        "Port 0 asks the system for any free port, and nobody can connect to 0. Print the address that the \
         listener got: its local_addr().",
        UNKNOWN,
    );
    [tcp, unix]
}

#[test]
fn any_split_is_the_same_message() {
    explain(
        "At this address your program took a part of a message for the whole. Let the TCP and the \
         Unix side share one function that reads whole frames.",
        ONE,
    );
    let folder = folder();
    for server in both_doors(&folder) {
        let mut peer = server.connect();
        for message in ["hello", "", "more than 256 bytes ".repeat(15).as_str()] {
            let frame = frame(message);
            let (most, last) = frame.split_at(frame.len() - 1);
            peer.drip(most).expect_nothing_yet();
            peer.send(last).expect(frame);
        }
    }
}

#[test]
fn several_in_one_read() {
    explain(
        "Several messages came at once, at this address. Answer all that are whole before you read \
         again: one buffered reader for each connection, for as long as it lives.",
        ONE,
    );
    let folder = folder();
    for server in both_doors(&folder) {
        let mut peer = server.connect();
        let frames = ["one", "two", "", "four"].map(frame);
        peer.coalesce(&frames);
        peer.expect(frames.concat()).now();
        let bytes = frame(b"\xff\0\n\xc3");
        peer.send(&bytes).expect(&bytes).or_explain(
            "These bytes are not UTF-8, and they needn't be: a payload may hold bytes of any value. \
             Handle it as `[u8]`, not as `String` or `str`.",
            ONE,
        );
        let large = frame([b'x'; 100_000]);
        peer.send(&large).expect(&large).or_explain(
            "A frame of 100,000 bytes is a frame like any other, over TCP and over a Unix socket. \
             All four bytes of its length count, and your buffer must be as large as the length \
             says.",
            ONE,
        );
    }
    let named = program!().listen_on("tcp:localhost:0").or_explain(
        "A host may be given by its name. TcpListener::bind takes `HOST:PORT` as it is, and looks \
         the name up; a SocketAddr is parsed from digits alone.",
        UNKNOWN,
    );
    let mut peer = named.connect();
    peer.send(frame("one")).expect(frame("one")).now();
}

#[test]
fn one_and_a_half_then_the_rest() {
    explain(
        "A message and a half came, and then the rest, at this address. The bytes after a message \
         are the beginning of the next one: keep them.",
        ONE,
    );
    let folder = folder();
    let two = [frame("first"), frame("second")].concat();
    let (one_and_a_half, rest) = two.split_at(frame("first").len() + 7);
    let doors = both_doors(&folder);
    let mut peers = doors.each_ref().map(Running::connect);
    for peer in &mut peers {
        peer.send(one_and_a_half).wait_until_read();
        peer.expect(frame("first")).now();
    }
    // At both doors at once, and longer than a timeout that somebody thought was long enough.
    peers[0].pause(Duration::from_millis(1100));
    for peer in &mut peers {
        peer.send(rest).expect(frame("second")).or_explain(
            "A message and a half came, a second went by, and then the rest, at this address. The \
             bytes after a message are the beginning of the next one: keep them, and wait for the \
             rest as long as it takes.",
            ONE,
        );
    }
}

#[test]
fn ending_inside_a_frame_is_an_error() {
    explain(
        "A client ended its stream inside a message, at this address. Answer nothing, log `a \
         client: …`, and serve the next one.",
        ONE,
    );
    for part in [2, 6] {
        let folder = folder();
        for server in both_doors(&folder) {
            let mut peer = server.connect();
            peer.send(&frame("hello")[..part]).half_close();
            peer.expect_end().now();
            server.logs("a client:").now();
            let mut peer = server.connect();
            peer.send(frame("next")).expect(frame("next")).now();
        }
    }
}

const NEITHER: &str = "This is neither tcp: nor unix:, and you can't know what it means. Print the \
                       argument and the two forms that you accept, and end with exit code 2.";

const NOTHING_AFTER: &str = "Nothing follows the scheme, so the argument has neither form: `tcp:` names \
                             no host and no port, `unix:` no path (and Linux binds an empty path to a \
                             name of its own choice). Print the argument and both forms, and end with \
                             exit code 2.";

#[test]
fn an_unknown_scheme_is_explained() {
    let folder = folder();
    let bare_path = folder.join("door").display().to_string();
    let unknown = [
        "udp:127.0.0.1:0",
        "127.0.0.1:0",
        "door",
        "./door",
        &bare_path,
        "tcp",
        "unix",
        "xtcp:127.0.0.1:0",
        "tcp6:127.0.0.1:0",
        "unixgram:door",
        "TCP:127.0.0.1:0",
        "unix:",
        "tcp:",
    ];
    for address in unknown {
        let server = program!().in_folder(&folder).connect_to(address);
        let sentence = match address {
            "tcp:" | "unix:" => NOTHING_AFTER,
            _ => NEITHER,
        };
        explain(sentence, UNKNOWN);
        let both = contains("unix:PATH");
        server
            .exits_with(2)
            .stderr(both)
            .stderr(contains("tcp:HOST:PORT"))
            .stderr(contains(address));
        let lines = server.stderr().lines().count();
        check(
            lines == 1,
            "one line on standard error",
            format!("{lines} lines"),
        )
        .or_explain(
            "Print one line for the log: the argument, and both forms.",
            UNKNOWN,
        );
    }
    explain(NEITHER, UNKNOWN);
    let made = std::fs::read_dir(folder.path()).map_or(0, Iterator::count);
    check(
        made == 0,
        "nothing made in the folder",
        format!("{made} files"),
    );
}
