//! Does the program end when it is told to, whatever its clients do, and when there are none?

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use scripted_peer::{
    Exit, Peer, Running, Signal, appears, check, explain, line, needs, program, rounds,
};

const WAKE: &str = "14-how-to-stop.html#a-signal-does-not-end-accept";
const WAIT: &str = "14-how-to-stop.html#something-to-wait-on";
const SILENT: &str = "14-how-to-stop.html#a-thread-that-reads";
const DOOR: &str = "14-how-to-stop.html#close-the-door-first";
const FIRST: &str = "14-how-to-stop.html#from-the-first-moment";

/// What it may take to end, whatever its clients do.
const SOON: Duration = Duration::from_secs(2);

fn server() -> Running {
    program!().patience(SOON).listen_on_path()
}

/// A client that is served, and then says no more.
fn served(server: &Running) -> Peer {
    let mut peer = server.connect();
    peer.send(line("hello")).expect(line("HELLO")).or_explain(
        "A client sent a line and did not get it back in upper case. Only the signals are new \
         here: each client still gets a thread of its own, and is served for as long as it likes.",
        WAKE,
    );
    peer
}

/// It has ended with 0 and without its path.
fn left_in_good_order(server: &Running, exit: Exit) {
    let killed = matches!(exit, Exit::Signal(_));
    let sentence = if killed {
        "The signal killed your program, as it kills every program that does not catch it. Catch \
         SIGTERM (kill, a service manager) and SIGINT (Ctrl-C), return to main, and end with exit \
         code 0."
    } else {
        "Your program ended, but not with exit code 0. It was asked to end and it did, so nothing \
         went wrong. (A poll that a signal interrupts fails with EINTR: call it again. A path that \
         somebody else has removed is not a failure either: the path is gone, as it should be.)"
    };
    let expected = "the program to end, exit code: 0";
    check(exit == Exit::Code(0), expected, format!("it {exit}")).or_explain(sentence, WAKE);
    let path = server.path();
    let is_gone = fs::symlink_metadata(path).is_err();
    let expected = format!("nothing at {}", path.display());
    check(is_gone, expected, "the socket's file").or_explain(
        "The program has ended, and its socket's file is still there. exit() runs no destructor, and \
         nothing else removes the file: get back to main and return from there.",
        WAKE,
    );
}

/// After `signal` it ends, in good order; `sentence` says what it is if it doesn't.
fn ends_on(server: &Running, signal: Signal, sentence: &str, section: &str) {
    let ended = server.signal(signal).ends().or_explain(sentence, section);
    left_in_good_order(server, ended.exit);
}

#[test]
fn ends_though_nobody_comes() {
    const WAITS: &str = "The signal has come, nobody is connected, and your program goes on. A \
                         handler that sets a flag is not enough: accept() goes on waiting, and \
                         nobody looks at the flag until the next client comes. Wait for the \
                         listener and for the signal at the same time.";
    let server = server();
    explain(
        "No client sends anything and no signal comes, and your program wakes up again and again \
         to check. That costs processor time, and a pause between two checks makes the end late. \
         Sleep in a call that the signal itself ends: poll() on the listener and on a pipe that \
         the handler writes to.",
        WAIT,
    );
    server.expect_idle().now();
    if needs::linux() {
        drop(served(&server));
        // Long enough for a look once a second: it has to end within two.
        let mut silent = served(&server);
        server.expect_idle().or_explain(
            "One client has left, another says nothing, and your program wakes up again and again. \
             At the end of its stream a read returns 0 at once, however often it is called, and \
             poll() finds that client ready each time: close its stream, and forget it.",
            SILENT,
        );
        let before = server.figures().switches;
        silent.pause(Duration::from_millis(2100));
        let wakes = server.figures().switches.saturating_sub(before);
        silent.half_close();
        let got = format!("{wakes} wakes while a client said nothing for 2.1 s");
        check(
            wakes <= 1,
            "a program that sleeps until something happens",
            got,
        )
        .now();
    }
    ends_on(&server, Signal::TERM, WAITS, WAKE);

    let server = self::server();
    drop(served(&server));
    let removed = fs::remove_file(server.path()).is_ok();
    check(removed, "the socket's file while it listens", "nothing").now();
    ends_on(
        &server,
        Signal::TERM,
        "Somebody has removed the socket's file, the signal has come, and your program goes on. \
         Nobody can connect there any more, not even your program: a connection to wake up \
         accept() fails just when you need it. Wait for the listener and for the signal at the \
         same time.",
        WAIT,
    );
}

#[test]
fn nobody_new_comes_in() {
    let server = server();
    let idle = served(&server);
    let mut takes_nothing = served(&server);
    takes_nothing.flood(line("x".repeat(1000)), 4 << 20);
    server.signal(Signal::TERM);
    let is_shut = || UnixStream::connect(server.path()).is_err().then_some(());
    let time = Duration::from_millis(1000);
    appears("a newcomer to be turned away", time, is_shut).or_explain(
        "The signal has come, your program still waits for its clients, and new clients are let in \
         as before: nobody will serve them. Remove the path and close the listener first, then \
         deal with your clients.",
        DOOR,
    );
    drop((idle, takes_nothing));
    let ended = server.ends().or_explain(
        "The signal has come, all clients have left since, and your program goes on. There is \
         nobody left to wait for.",
        SILENT,
    );
    left_in_good_order(&server, ended.exit);
}

#[test]
fn ends_though_somebody_is_silent() {
    let server = server();
    let _idle = served(&server);
    let _never_spoke = server.connect();
    let mut in_half_a_line = server.connect();
    in_half_a_line.send("hel").wait_until_read();
    ends_on(
        &server,
        Signal::TERM,
        "Three clients are connected and say nothing, the signal has come, and your program goes \
         on: something still waits for them, perhaps a join(). They may never speak again. End \
         without them, or end their connections yourself.",
        SILENT,
    );

    let server = self::server();
    let mut takes_nothing = server.connect();
    takes_nothing.flood(line("x".repeat(1000)), 4 << 20);
    ends_on(
        &server,
        Signal::TERM,
        "A client keeps sending and reads no replies, the signal has come, and your program goes \
         on. One of its threads waits in a write to that client. Give up on the write after a \
         moment.",
        SILENT,
    );

    let server = self::server();
    let mut stream = UnixStream::connect(server.path()).expect("it listened a moment ago");
    let is_served = chats(&mut stream);
    let got = "something else, or the end of the connection";
    check(is_served, "a client's line in upper case", got).now();
    let chatterbox = thread::spawn(move || while chats(&mut stream) {});
    ends_on(
        &server,
        Signal::TERM,
        "A client sends a line as soon as it has the last one back, the signal has come, and your \
         program goes on. It waits for a pause that may never come. Your program decides when it \
         ends, not its clients.",
        SILENT,
    );
    chatterbox
        .join()
        .expect("its connection has ended, and it with it");
}

/// A line goes out, and comes back in upper case.
fn chats(stream: &mut UnixStream) -> bool {
    let mut reply = [0; 5];
    stream
        .write_all(b"more\n")
        .and_then(|()| stream.read_exact(&mut reply))
        .is_ok()
        && reply == *b"MORE\n"
}

#[test]
fn both_signals() {
    for (signal, sentence) in [
        (
            Signal::TERM,
            "SIGTERM has come while a client was connected, and your program goes on. SIGTERM is \
             the signal that kill, a service manager and a shutdown send.",
        ),
        (
            Signal::INT,
            "SIGINT has come while a client was connected, and your program goes on. SIGINT is the \
             signal that Ctrl-C sends.",
        ),
    ] {
        let server = server();
        let mut first = served(&server);
        let mut second = served(&server);
        first.send(line("again")).expect(line("AGAIN")).now();
        ends_on(&server, signal, sentence, WAKE);
        second.expect_gone().now();
    }
}

#[test]
fn caught_from_the_first_moment() {
    const LATE: &str = "The signal came as soon as \"listening on\" was printed, and your program \
                        did not catch it yet. From that line on, a script or a service manager \
                        knows your program and may stop it. Catch the signals before you print it: \
                        best of all, before you bind.";
    for round in rounds(6, 2, Duration::from_secs(2)) {
        let signal = [Signal::TERM, Signal::INT][round % 2];
        let server = server();
        let ended = server.signal(signal).ends().or_explain(LATE, FIRST);
        let caught = !matches!(ended.exit, Exit::Signal(_));
        let expected = "the program to end, exit code: 0";
        check(caught, expected, format!("it {}", ended.exit)).or_explain(LATE, FIRST);
        left_in_good_order(&server, ended.exit);
    }
}
