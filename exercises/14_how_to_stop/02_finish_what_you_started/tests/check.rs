//! Does the program answer what has arrived, and end when that is done, or when its time is up?

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
/// How long the program may take to notice that everything is done.
const SOON: Duration = Duration::from_secs(2);
/// How long the program may take if it doesn't pause.
const AT_ONCE: Duration = Duration::from_millis(400);

fn server(deadline: u64) -> Running {
    program!().arg(deadline).patience(SOON).listen_on_path()
}

/// A client that has been served, and then sends nothing more.
fn idle(server: &Running) -> Peer {
    let mut peer = server.connect();
    peer.send(line("hello")).expect(line("HELLO")).or_explain(
        "No signal has been sent yet, and a client that sent a line did not get it back in upper \
         case. Until a signal arrives, serve each client on its own thread, for as long as it \
         stays connected.",
        UNDER_WAY,
    );
    peer
}

/// A client whose request stays under way until the gate opens. `more` is sent along with it.
fn under_way(server: &Running, more: &str) -> (Peer, Gate, Vec<u8>) {
    let mut gate = Gate::new();
    let request = line(format!("wait {}", gate.path().display()));
    let mut peer = server.connect();
    peer.send([&request, more.as_bytes()].concat());
    gate.expect_entered().or_explain(
        "A client sent `wait` and a path, and your program did not open that file. The stub reads \
         that file to its end: leave that part as it is.",
        UNDER_WAY,
    );
    (peer, gate, request.to_ascii_uppercase())
}

/// The program has begun to drain: no new client can connect.
fn shuts_the_door(server: &Running) {
    let is_shut = || UnixStream::connect(server.path()).is_err().then_some(());
    appears("a new client to be refused", SOON, is_shut).or_explain(
        "The signal was sent, a request is still under way, and new clients can still connect, \
         although nothing will serve them. Remove the socket file and close the listener before \
         you deal with the connected clients.",
        DOOR,
    );
}

fn ends_with(server: &Running, code: i32, sentence: &str, section: &str) {
    let exit = server.ends().or_explain(sentence, section).exit;
    let expected = format!("the program to end, exit code: {code}");
    let sentence = match exit {
        Exit::Code(3) => {
            "Every client that stayed connected got its answers, but your program exited with code \
             3, which means that a client was cut off. If no client was cut off, end with exit \
             code 0. (A client that hung up before its answer was not cut off: it left.)"
        }
        Exit::Code(0) => {
            "Your program cut a client off, but it exited with code 0, which means that nothing \
             was lost. End with exit code 3, so that a service manager or a script can tell."
        }
        _ => {
            "Your program did not exit with one of the two expected exit codes. Catch both \
             signals, and end with exit code 0 or 3."
        }
    };
    check(exit == Exit::Code(code), expected, format!("it {exit}")).or_explain(sentence, DEADLINE);
    let is_gone = fs::symlink_metadata(server.path()).is_err();
    check(is_gone, "no file at its path", "the socket file").or_explain(
        "Your program has exited, and its socket file is still there. The file must be gone \
         however the program ends, even if it cuts clients off. Remove it before you deal with the \
         connected clients, because exit() doesn't run destructors.",
        DOOR,
    );
}

const IDLE: &str = "The signal was sent, and a client with no request under way did not \
                    immediately get the end of its stream, or it got a message before that. \
                    Closing this connection loses no work, so don't wait for this client. (If \
                    nothing arrived at all, either the client's thread is still waiting in a read, \
                    and setting a flag doesn't wake that thread, or something still holds the \
                    stream open, such as a copy in a list.)";

/// After its last answer, a client gets the end of the stream.
fn sees_the_end(peer: &mut Peer) {
    peer.expect_end().or_explain(
        "A client got its last answer, but not the end of the stream. Close the connection after \
         the last answer, so that the client knows that nothing more will arrive. (If nothing \
         arrived at all, something still holds the stream open, such as a copy in a list.)",
        UNDER_WAY,
    );
}

const ALL_GONE: &str = "Every client has got its answers and the end of its stream, and your \
                        program is still running. It seems to be waiting for the deadline, an hour \
                        away. Exit as soon as no client is left.";

#[test]
fn the_answer_in_progress_is_sent() {
    let server = server(HOUR);
    let mut idle = idle(&server);
    let (mut busy, gate, answer) = under_way(&server, "");
    let (mut second, second_gate, second_answer) = under_way(&server, "");
    let (hangs_up, its_gate, _) = under_way(&server, "");
    drop(hangs_up); // nothing will read its answer
    server.signal(Signal::TERM);
    shuts_the_door(&server);
    idle.expect_end().or_explain(IDLE, UNDER_WAY);
    const DIED: &str = "The signal was sent while a request was under way, and the client never \
                        got its answer. When main returns, or something calls exit(), every other \
                        thread stops in the middle of its work. And once you shut a connection \
                        down for writing, no answer can be sent on it. Wait for the threads that \
                        still have work.";
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
        "These lines were sent before the signal, and your program did not answer all of them. \
         Read and answer everything that has arrived before you close the connection: one more \
         read, or one more line, is not enough. On Linux, shutdown(SHUT_RD) discards nothing: the \
         reader still gets everything that had arrived, and then the end of the stream. (An empty \
         line is a line, so it gets an answer.)",
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

    // The program has already read some of these lines; the others are still in the socket.
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
        "Only half a line had arrived when the signal was sent, and its sender did not get the \
         right answer. Don't answer it like a complete line, and don't drop it without an answer: \
         its sender should know that the request was not carried out. Send `unfinished`, then \
         close the connection. (lines() returns an unfinished last line as if it were complete; \
         read_line() keeps the newline, so you can tell the difference.)",
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
        "This client had sent nothing since its last answer, and it should have got the end of the \
         stream, with no message before it. It got something else, or nothing. No line is \
         unfinished here, so just close the connection.",
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
        "No signal was sent, and a client ended its stream in the middle of a line, but it did not \
         get the right answers. Send `unfinished` here too: the last line was not complete.",
        COME,
    );
    sees_the_end(&mut half);

    let gate = Gate::new();
    let mut half = server.connect();
    half.send(format!("wait {}", gate.path().display()))
        .half_close();
    half.expect(line("unfinished")).or_explain(
        "A client ended its stream in the middle of a line that begins with `wait`, and it did not \
         get `unfinished`. Part of a request can mean something different from the whole request, \
         so don't carry it out. Look for the newline first.",
        COME,
    );
    sees_the_end(&mut half);
}

#[test]
fn an_empty_house_closes_at_once() {
    const NOBODY: &str = "The signal was sent while no client was connected, and your program did \
                          not exit. The deadline is the longest time that your program may take, \
                          not a time that it has to wait.";
    // A deliberate pause shows even in the quickest round, however busy the machine is. Time that a
    // busy machine adds is left out, as far as it can be known for a program that has ended.
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
    let got = format!("it took at least {quickest:.1?} each time");
    check(quickest < AT_ONCE, "the end at once, with no client", got).or_explain(
        "No client is connected, and after the signal your program pauses before it exits. Don't \
         sleep: wait only for requests that are under way, and here there are none.",
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
        // All at the same gate: none of them finishes before it opens.
        peer.send(line(format!("wait {}", gate.path().display())))
            .wait_until_read();
    }
    server.connect().pause(deadline); // no deadline is running yet
    let began = Instant::now();
    server.signal(Signal::TERM);
    ends_with(
        &server,
        3,
        "The deadline has passed, twelve requests are still under way, and your program is still \
         running. No client may keep it from ending: at the deadline, cut off all of them, and \
         report that in the exit code. All clients share one deadline; don't give each client a \
         new one in turn.",
        DEADLINE,
    );
    let took = began.elapsed();
    let got = format!("it ended after {took:.1?}");
    let expected = "the program to end 600 ms after the signal";
    check(took >= deadline.mul_f32(0.9), expected, &got).or_explain(
        "Requests were under way, and your program exited before its deadline. The second argument \
         is the time in milliseconds, and it is counted from the signal. Give the requests all of \
         that time to finish.",
        DEADLINE,
    );
    drop((more, gate));

    const AGAIN: &str = "Clients got their answers one after another, and your program was still \
                         running long after its deadline. Set the deadline once, when the signal \
                         arrives: an answer must not extend it.";
    // Much longer than the time between two answers, even on a busy machine.
    let server = self::server(1500);
    let clients: Vec<_> = (0..8).map(|_| under_way(&server, "")).collect();
    server.signal(Signal::TERM);
    for (mut peer, gate, _) in clients {
        peer.pause(Duration::from_millis(250));
        gate.release();
    }
    let exit = server.ends().or_explain(AGAIN, DEADLINE).exit;
    let expected = "the program to end 1.5 s after the signal, exit code: 3";
    check(exit == Exit::Code(3), expected, format!("it {exit}")).or_explain(AGAIN, DEADLINE);

    let server = self::server(300);
    let mut takes_nothing = server.connect();
    takes_nothing.flood(line("x".repeat(1000)), 4 << 20);
    server.signal(Signal::TERM);
    ends_with(
        &server,
        3,
        "A client isn't reading its replies, the deadline has passed, and your program is still \
         running. One of your threads is stuck in a write to that client. After the deadline, exit \
         without waiting for that thread.",
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
            "A second signal was sent, and your program kept waiting for its clients. A user who \
             presses Ctrl-C again doesn't want to wait: cut off the remaining requests \
             immediately.",
            DEADLINE,
        );
    }
}
