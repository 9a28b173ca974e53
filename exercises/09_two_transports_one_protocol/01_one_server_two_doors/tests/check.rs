//! Does the program echo the same frames over TCP and over a Unix socket?

use std::time::Duration;

use scripted_peer::{Folder, Running, check, contains, explain, folder, frame, program};

const ONE: &str = "09-two-transports-one-protocol.html#one-server-any-stream";
const UNKNOWN: &str = "09-two-transports-one-protocol.html#an-address-that-says-what-it-is";

/// The program on a TCP address, and on a path whose name looks like a TCP address.
fn both_doors(folder: &Folder) -> [Running; 2] {
    let path = folder.join("tcp:127.0.0.1");
    let tcp = program!().listen_on("tcp:127.0.0.1:0").or_explain(
        "Your program isn't listening on the TCP address in its argument. What follows `tcp:` is \
         HOST:PORT, in the form that TcpListener::bind accepts.",
        UNKNOWN,
    );
    let unix = program!().listen_on(format!("unix:{}", path.display()));
    let unix = unix.or_explain(
        "Your program isn't listening on the Unix socket path in its argument. What follows \
         `unix:` is a path, which may contain anything, even `tcp:`. Only the part before the \
         first colon decides which kind of address it is.",
        UNKNOWN,
    );
    for (server, scheme) in [(&tcp, "tcp:"), (&unix, "unix:")] {
        server.prints(&format!("listening on {scheme}")).or_explain(
            "The line that you printed doesn't begin with `listening on` and the kind of the \
             address. Print the address in the same form as the argument: a client needs to know \
             which kind of address it is.",
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
        "Your program didn't print the path as it was given. Print all of it, without quotes. This \
         path contains a colon: the part before the first colon of the argument is the kind, and \
         everything after that colon is the path.",
        UNKNOWN,
    );
    let port = tcp.stdout().trim_end().ends_with(":0");
    check(!port, "the port that it got", "port 0").or_explain(
        "Your program printed port 0, which no client can connect to. Port 0 asks the system for \
         any free port, so print the address that the listener got: its local_addr().",
        UNKNOWN,
    );
    [tcp, unix]
}

#[test]
fn any_split_is_the_same_message() {
    explain(
        "On this address, your program treated part of a message as a whole message. Let TCP and \
         Unix sockets share one function that reads whole frames.",
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
        "Several messages arrived together on this address, and not all of them got a reply. Reply \
         to every complete message before you read again, and keep one buffered reader per \
         connection, for as long as the connection lasts.",
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
            "These bytes are not UTF-8, and you didn't echo them unchanged. A payload may contain \
             bytes of any value: handle it as `[u8]`, not as `String` or `str`.",
            ONE,
        );
        let large = frame([b'x'; 100_000]);
        peer.send(&large).expect(&large).or_explain(
            "A frame of 100,000 bytes didn't come back. It is valid over TCP and over a Unix \
             socket: use all four bytes of its length, and make your buffer as large as the length \
             says.",
            ONE,
        );
    }
    let named = program!().listen_on("tcp:localhost:0").or_explain(
        "The host in this address is a name, and your program isn't listening on it. Pass \
         `HOST:PORT` to TcpListener::bind unchanged, and it looks the name up. Parsing a \
         SocketAddr accepts only numeric addresses.",
        UNKNOWN,
    );
    let mut peer = named.connect();
    peer.send(frame("one")).expect(frame("one")).now();
}

#[test]
fn one_and_a_half_then_the_rest() {
    explain(
        "One and a half messages arrived on this address, and then the rest, but you didn't echo \
         both messages. The bytes after a complete message are the start of the next one: keep \
         them.",
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
    // For both servers at the same time, and longer than a timeout that seems generous.
    peers[0].pause(Duration::from_millis(1100));
    for peer in &mut peers {
        peer.send(rest).expect(frame("second")).or_explain(
            "One and a half messages arrived on this address, and the rest a second later, but you \
             didn't echo the second message. The bytes after a complete message are the start of \
             the next one: keep them, and wait for the rest as long as it takes.",
            ONE,
        );
    }
}

#[test]
fn ending_inside_a_frame_is_an_error() {
    explain(
        "A client ended its stream inside a message on this address, and you replied to it, \
         reported no error, or didn't serve the next client. Don't reply to an incomplete message: \
         log a line that begins with `a client:`, and serve the next client.",
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

const NEITHER: &str = "This argument has neither of the two forms, tcp:HOST:PORT and unix:PATH, \
                       and your program didn't refuse it. Don't guess what it means: print the \
                       argument and both forms to standard error, exit with code 2, and create no \
                       file.";

const NOTHING_AFTER: &str = "Nothing follows the scheme in this argument, and your program didn't \
                             refuse it. `tcp:` has no host and no port, and `unix:` has no path. \
                             (Linux would bind an empty path to a name that it chooses itself.) \
                             Print the argument and both forms to standard error, and exit with \
                             code 2.";

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
            "The argument is in neither of the two accepted forms, and your program didn't print \
             exactly one line about it. Put the argument and both forms on one line, so that they \
             stay together in a log.",
            UNKNOWN,
        );
    }
    explain(NEITHER, UNKNOWN);
    let made = std::fs::read_dir(folder.path()).map_or(0, Iterator::count);
    check(
        made == 0,
        "no file created in the folder",
        format!("{made} files"),
    );
}
