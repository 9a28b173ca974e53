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

/// How long the program may take to end, whatever its clients do.
const SOON: Duration = Duration::from_secs(2);

fn server() -> Running {
    program!().patience(SOON).listen_on_path()
}

/// A client that has been served, and then sends nothing more.
fn served(server: &Running) -> Peer {
    let mut peer = server.connect();
    peer.send(line("hello")).expect(line("HELLO")).or_explain(
        "A client sent a line and did not get it back in upper case. Only the signals are new in \
         this exercise: keep serving each client on its own thread, for as long as it stays \
         connected.",
        WAKE,
    );
    peer
}

/// The program has ended with exit code 0 and has removed its path.
fn left_in_good_order(server: &Running, exit: Exit) {
    let killed = matches!(exit, Exit::Signal(_));
    let sentence = if killed {
        "The signal killed your program, because your program did not catch it. Catch both SIGTERM \
         (sent by kill and by service managers) and SIGINT (sent by Ctrl-C), return to main, and \
         end with exit code 0."
    } else {
        "Your program exited, but not with exit code 0. It was asked to stop and it did, so report \
         success. (When a signal interrupts poll(), poll() fails with EINTR: call it again. And if \
         someone else has already removed the socket file, that is not a failure.)"
    };
    let expected = "the program to end, exit code: 0";
    check(exit == Exit::Code(0), expected, format!("it {exit}")).or_explain(sentence, WAKE);
    let path = server.path();
    let is_gone = fs::symlink_metadata(path).is_err();
    let expected = format!("nothing at {}", path.display());
    check(is_gone, expected, "the socket file").or_explain(
        "Your program has exited, and its socket file is still there. exit() doesn't run \
         destructors, and nothing else removes the file. Get back to main and return from there.",
        WAKE,
    );
}

/// After `signal` the program ends cleanly; `sentence` explains the failure if it doesn't.
fn ends_on(server: &Running, signal: Signal, sentence: &str, section: &str) {
    let ended = server.signal(signal).ends().or_explain(sentence, section);
    left_in_good_order(server, ended.exit);
}

#[test]
fn ends_though_nobody_comes() {
    const WAITS: &str = "The signal was sent while no client was connected, and your program did \
                         not exit. A handler that only sets a flag is not enough: accept() keeps \
                         waiting, and the flag isn't checked until the next client connects. Wait \
                         for the listener and the signal at the same time.";
    let server = server();
    explain(
        "No client is sending anything and no signal has arrived, and your program keeps waking up \
         to check. That costs CPU time, and a pause between two checks delays the shutdown. Wait \
         in a call that the signal itself ends: poll() on the listener and on a pipe that the \
         handler writes to.",
        WAIT,
    );
    server.expect_idle().now();
    if needs::linux() {
        drop(served(&server));
        // Long enough to notice a check once a second: the program has to end within two.
        let mut silent = served(&server);
        server.expect_idle().or_explain(
            "One client has left and another one is silent, but your program keeps waking up. \
             After a client has ended its stream, every read from it returns 0 immediately, and \
             poll() keeps reporting that client as ready. Close that client's stream and stop \
             watching it.",
            SILENT,
        );
        let before = server.figures().switches;
        silent.pause(Duration::from_millis(2100));
        let wakes = server.figures().switches.saturating_sub(before);
        silent.half_close();
        let got = format!("{wakes} wake-ups while a client sent nothing for 2.1 s");
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
    check(removed, "the socket file while it listens", "nothing").now();
    ends_on(
        &server,
        Signal::TERM,
        "The socket file was removed, then the signal was sent, and your program did not exit. Now \
         nothing can connect to that path, not even your own program, so your program can't wake \
         up accept() by connecting to itself. Wait for the listener and the signal at the same \
         time.",
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
    appears("a new client to be refused", time, is_shut).or_explain(
        "The signal was sent, your program is still waiting for its clients, and new clients can \
         still connect, although nothing will serve them. Remove the socket file and close the \
         listener first, then deal with the connected clients.",
        DOOR,
    );
    drop((idle, takes_nothing));
    let ended = server.ends().or_explain(
        "The signal was sent and all clients have disconnected since, but your program did not \
         exit. Exit as soon as no client is left.",
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
        "The signal was sent while three silent clients were connected, and your program did not \
         exit. Something is still waiting for these clients, perhaps a join(), and they may never \
         send anything again. Exit without waiting for them, or shut down their connections \
         yourself.",
        SILENT,
    );

    let server = self::server();
    let mut takes_nothing = server.connect();
    takes_nothing.flood(line("x".repeat(1000)), 4 << 20);
    ends_on(
        &server,
        Signal::TERM,
        "The signal was sent while a client was sending lines without reading any replies, and \
         your program did not exit. One of your threads is stuck in a write to that client. Give \
         up on the write after a short time.",
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
        "The signal was sent while a client was sending its next line as soon as it got each \
         reply, and your program did not exit. It seems to be waiting for this client to pause, \
         which may never happen. Exit without waiting for a pause.",
        SILENT,
    );
    chatterbox
        .join()
        .expect("its connection has ended, and the client with it");
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
            "SIGTERM was sent while clients were connected, and your program did not exit. Catch \
             SIGTERM: it is the signal that kill, a service manager, and a system shutdown send.",
        ),
        (
            Signal::INT,
            "SIGINT was sent while clients were connected, and your program did not exit. Catch \
             SIGINT: it is the signal that Ctrl-C sends.",
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
    const LATE: &str = "The signal was sent as soon as \"listening on\" was printed, and your \
                        program was not catching signals yet. Once that line is printed, a script \
                        or a service manager knows that your program is running and may stop it. \
                        Catch the signals before you print the line, and ideally before you bind.";
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
