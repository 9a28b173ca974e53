//! Does the program answer what has come, and end when that is done, or when its time is over?

use std::fs;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use scripted_peer::{
    Exit, Gate, Peer, Running, Signal, Stopwatch, appears, check, explain, line, program, rounds,
};

const UNDER_WAY: &str = "14-how-to-stop.html#four-kinds-of-client";
const COME: &str = "14-how-to-stop.html#what-had-come";
const DOOR: &str = "14-how-to-stop.html#close-the-door-first";
const DEADLINE: &str = "14-how-to-stop.html#a-deadline-and-a-number";

/// Far longer than any check.
const HOUR: u64 = 3_600_000;
/// What it may take to notice that all is done.
const SOON: Duration = Duration::from_secs(2);
/// What it may take if it makes no pause.
const AT_ONCE: Duration = Duration::from_millis(400);

fn server(deadline: u64) -> Running {
    program!().arg(deadline).patience(SOON).listen_on_path()
}

/// A client that is served, and then says no more.
fn idle(server: &Running) -> Peer {
    let mut peer = server.connect();
    peer.send(line("hello")).expect(line("HELLO")).or_explain(
        "No signal has come, and a client that sent a line did not get it back in upper case. \
         Until a signal comes, serve each client for as long as it likes, on a thread of its own.",
        UNDER_WAY,
    );
    peer
}

/// A client whose request is under way, and stays so until the gate opens. Sent with it: `more`.
fn under_way(server: &Running, more: &str) -> (Peer, Gate, Vec<u8>) {
    let mut gate = Gate::new();
    let request = line(format!("wait {}", gate.path().display()));
    let mut peer = server.connect();
    peer.send([&request, more.as_bytes()].concat());
    gate.expect_entered().or_explain(
        "A client sent `wait` and a path, and your program did not open that file. The stub reads \
         it to its end: leave that as it is.",
        UNDER_WAY,
    );
    (peer, gate, request.to_ascii_uppercase())
}

/// It has begun to drain: nobody new comes in.
fn shuts_the_door(server: &Running) {
    let is_shut = || UnixStream::connect(server.path()).is_err().then_some(());
    appears("a newcomer to be turned away", SOON, is_shut).or_explain(
        "The signal has come, a request is still under way, and new clients are let in: nobody \
         will serve them. Remove the path and close the listener before you deal with your \
         clients.",
        DOOR,
    );
}

fn ends_with(server: &Running, code: i32, sentence: &str, section: &str) {
    let exit = server.ends().or_explain(sentence, section).exit;
    let expected = format!("the program to end, exit code: {code}");
    let sentence = match exit {
        Exit::Code(3) => {
            "Every client that stayed got its answers and nobody was cut off, but your exit code \
             says that somebody was. Exit code 3 means that you cut off a request. (A client that \
             hung up before its answer did that itself.)"
        }
        Exit::Code(0) => {
            "Somebody was cut off, and your exit code 0 says that nothing was lost. A service \
             manager or a script that reads it should know: end with exit code 3."
        }
        _ => {
            "Your program did not end as it should. Catch both signals, and end with exit code 0 \
             or 3."
        }
    };
    check(exit == Exit::Code(code), expected, format!("it {exit}")).or_explain(sentence, DEADLINE);
    let is_gone = fs::symlink_metadata(server.path()).is_err();
    check(is_gone, "no file at its path", "the socket's file").or_explain(
        "The program has ended, and its socket's file is still there. It must be gone however the \
         program ends, even after a cut: remove it before you deal with your clients, since exit() \
         runs no destructors.",
        DOOR,
    );
}

const IDLE: &str = "The signal has come, and a client with no request under way did not get what it should: the end \
                    of the stream, at once and with no message before it. This client has nothing to lose: don't \
                    wait for it. (If nothing came at all, its thread still waits in a read, and no flag wakes it; or \
                    something has its stream open still, such as a copy in a list.)";

/// It has got its last answer, and nothing more comes.
fn sees_the_end(peer: &mut Peer) {
    peer.expect_end().or_explain(
        "After its last answer a client must see the end of the stream: nothing more will come. (If \
         nothing came at all, something has its stream open still, such as a copy in a list.)",
        UNDER_WAY,
    );
}

const ALL_GONE: &str = "Every client has got its answers and the end of its stream, and your \
                        program goes on: it seems to wait for the deadline, an hour away. Wait \
                        until nobody is left, and no longer.";

#[test]
fn the_answer_in_progress_is_sent() {
    let server = server(HOUR);
    let mut idle = idle(&server);
    let (mut busy, gate, answer) = under_way(&server, "");
    let (mut second, second_gate, second_answer) = under_way(&server, "");
    let (hangs_up, its_gate, _) = under_way(&server, "");
    drop(hangs_up); // and its answer will find nobody
    server.signal(Signal::TERM);
    shuts_the_door(&server);
    idle.expect_end().or_explain(IDLE, UNDER_WAY);
    const DIED: &str = "The signal came while a request was under way, and its answer never came. \
                        When main returns, or something calls exit(), every other thread ends in \
                        the middle of its work; and a connection that is shut down for writing \
                        carries no answer. Wait for the threads that have work.";
    gate.release();
    busy.expect(answer).or_explain(DIED, UNDER_WAY);
    sees_the_end(&mut busy);
    its_gate.release();
    second_gate.release();
    second.expect(second_answer).or_explain(DIED, UNDER_WAY);
    sees_the_end(&mut second);
    ends_with(&server, 0, ALL_GONE, UNDER_WAY);
}

#[test]
fn what_had_come_is_answered() {
    explain(
        "These lines were sent before the signal, and not all of them were answered. Read \
         everything that has arrived, and answer it, before you hang up: one more read, or one \
         more line, is not enough. After shutdown(SHUT_RD) a reader gets all that has arrived, and \
         then the end. (An empty line is a line.)",
        COME,
    );
    let server = self::server(HOUR);
    let mut peer = idle(&server);
    let mut other = idle(&server);
    let many: Vec<String> = (0..2000)
        .map(|number| format!("number {number}\n"))
        .collect();
    server.in_one_edge(|| {
        peer.send("one\n\nthree\n");
        other.coalesce(&many);
        server.signal(Signal::TERM);
    });
    peer.expect("ONE\n\nTHREE\n").now();
    sees_the_end(&mut peer);
    other.expect(many.concat().to_uppercase()).now();
    sees_the_end(&mut other);
    ends_with(&server, 0, ALL_GONE, COME);

    // Some of it has been read already, and some lies in the socket.
    let server = self::server(HOUR);
    let (mut busy, gate, answer) = under_way(&server, "two\nthree\n");
    busy.send("four\nfive\n");
    server.signal(Signal::INT);
    shuts_the_door(&server);
    gate.release();
    busy.expect([&answer[..], b"TWO\nTHREE\nFOUR\nFIVE\n"].concat())
        .now();
    sees_the_end(&mut busy);
    ends_with(&server, 0, ALL_GONE, COME);
}

#[test]
fn half_a_line_is_told() {
    explain(
        "Half a line had come when the signal came. Don't answer it as if it were whole, and don't \
         drop it without an answer, since its sender should know that it was not done: send \
         `unfinished`, then end the connection. (lines() returns the last part of a stream as if \
         it were a line; read_line() keeps the newline, so that you can tell.)",
        COME,
    );
    let server = self::server(HOUR);
    let mut idle = idle(&server);
    let mut half = server.connect();
    half.send("hel").wait_until_read();
    let (mut busy, gate, answer) = under_way(&server, "one\nha");
    let mut in_one = server.connect();
    in_one.send(line("hello")).expect(line("HELLO")).now();
    server.in_one_edge(|| {
        in_one.send("one\ntw");
        server.signal(Signal::TERM);
    });
    half.expect(line("unfinished")).now();
    sees_the_end(&mut half);
    in_one.expect("ONE\nunfinished\n").now();
    sees_the_end(&mut in_one);
    idle.expect_end().or_explain(
        "This client had sent nothing since its last answer, so nothing is unfinished: it must see \
         the end of the stream, and no message before it.",
        COME,
    );
    gate.release();
    busy.expect([&answer[..], b"ONE\nunfinished\n"].concat())
        .now();
    sees_the_end(&mut busy);
    ends_with(&server, 0, ALL_GONE, COME);

    let server = self::server(HOUR);
    let mut half = server.connect();
    half.send("one\ntw").half_close();
    half.expect("ONE\nunfinished\n").or_explain(
        "No signal has come, and a client ended its stream in the middle of a line. Send \
         `unfinished` to this one, too: what it sent was not a whole line.",
        COME,
    );
    sees_the_end(&mut half);

    let gate = Gate::new();
    let mut half = server.connect();
    half.send(format!("wait {}", gate.path().display()))
        .half_close();
    half.expect(line("unfinished")).or_explain(
        "A client ended its stream in the middle of a line that begins with `wait`. Half a request \
         may mean something else than the whole one: don't carry it out. Look for the newline \
         first.",
        COME,
    );
    sees_the_end(&mut half);
}

#[test]
fn an_empty_house_closes_at_once() {
    const NOBODY: &str = "Nobody is connected, the signal has come, and your program goes on. The deadline is how long it \
         may take at most; it is not how long to wait.";
    // A pause that is always made shows in the quickest round, however busy the machine is. What the
    // machine makes of it is not counted, as far as that can be known of a program that has ended.
    let mut quickest = Duration::MAX;
    for _ in rounds(5, 4, Duration::from_secs(2)) {
        let server = self::server(HOUR);
        let watch = Stopwatch::start();
        server.signal(Signal::TERM);
        ends_with(&server, 0, NOBODY, DEADLINE);
        quickest = quickest.min(watch.elapsed());
        if quickest < AT_ONCE {
            break;
        }
    }
    let got = format!("it took {quickest:.1?}, and never less");
    check(quickest < AT_ONCE, "the end at once: nobody is there", got).or_explain(
        "Nobody is connected, the signal has come, and your program pauses before it ends. Don't \
         sleep: wait only for requests that are under way, and there are none.",
        DEADLINE,
    );
    let server = self::server(HOUR);
    drop(idle(&server));
    let mut idlers = [idle(&server), server.connect(), idle(&server)];
    server.signal(Signal::INT);
    for idler in &mut idlers {
        idler.expect_end().or_explain(IDLE, UNDER_WAY);
    }
    ends_with(&server, 0, ALL_GONE, DEADLINE);
}

#[test]
fn the_deadline_cuts_and_says_3() {
    let deadline = Duration::from_millis(600);
    let server = self::server(600);
    let (_busy, gate, _) = under_way(&server, "");
    let mut more = server.connect_many(11);
    for peer in &mut more {
        // At the same gate: none of them ends before it opens.
        peer.send(line(format!("wait {}", gate.path().display())))
            .wait_until_read();
    }
    server.connect().pause(deadline); // nobody's time runs yet
    let began = Instant::now();
    server.signal(Signal::TERM);
    ends_with(
        &server,
        3,
        "The deadline has passed, twelve requests are still under way, and your program goes on. \
         No client may keep it from ending: at the deadline, cut them all off, and say so in the \
         exit code. There is one deadline for all clients, not one for each in turn.",
        DEADLINE,
    );
    let took = began.elapsed();
    let got = format!("it ended after {took:.1?}");
    let expected = "the end 600 ms after the signal";
    check(took >= deadline.mul_f32(0.9), expected, &got).or_explain(
        "Requests were under way, and your program did not wait until its deadline. The second \
         argument is the time in milliseconds, and it starts with the signal.",
        DEADLINE,
    );
    drop((more, gate));

    const AGAIN: &str = "Answers were sent one after another, and your program went on long after \
                         its deadline. The time starts with the signal, once: no answer starts it \
                         again.";
    // Far more from signal to deadline than from one answer to the next, on a busy machine too.
    let server = self::server(1500);
    let clients: Vec<_> = (0..8).map(|_| under_way(&server, "")).collect();
    server.signal(Signal::TERM);
    for (mut peer, gate, _) in clients {
        peer.pause(Duration::from_millis(250));
        gate.release();
    }
    let exit = server.ends().or_explain(AGAIN, DEADLINE).exit;
    let expected = "the end 1.5 s after the signal, exit code: 3";
    check(exit == Exit::Code(3), expected, format!("it {exit}")).or_explain(AGAIN, DEADLINE);

    let server = self::server(300);
    let mut takes_nothing = server.connect();
    takes_nothing.flood(line("x".repeat(1000)), 4 << 20);
    server.signal(Signal::TERM);
    ends_with(
        &server,
        3,
        "A client reads no replies, the deadline has passed, and your program goes on. A write \
         waits for that client: after the deadline, end without it.",
        DEADLINE,
    );
}

#[test]
fn a_second_signal_cuts_at_once() {
    for second in [Signal::TERM, Signal::INT] {
        let server = self::server(HOUR);
        let (_busy, _gate, _) = under_way(&server, "");
        server.signal(Signal::TERM);
        shuts_the_door(&server);
        server.signal(second);
        ends_with(
            &server,
            3,
            "A second signal has come, and your program goes on with its work. Somebody who \
             presses Ctrl-C again means it: cut off what is left, at once.",
            DEADLINE,
        );
    }
}
