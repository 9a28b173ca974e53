//! Is a client found that has gone without a word, and is nobody else taken for one?

use std::time::{Duration, Instant};

use scripted_peer::{
    Hosts, Peer, Running, Stopwatch, check, explain, line, needs, program, undisturbed,
};

const KEEPALIVE: &str = "19-what-changes-on-a-network.html#keepalive";
const BYTES: &str = "19-what-changes-on-a-network.html#with-bytes-on-the-way";
const PING: &str = "19-what-changes-on-a-network.html#only-a-message-of-your-own";

/// How late a program, or the check, may be on a busy machine and still be judged by the clock.
const LATE: Duration = Duration::from_millis(400);
/// After 500 ms of silence and as long for the answer.
const SOON_ENOUGH: Duration = Duration::from_millis(1600);

const SILENT: &str = "This client has been silent for as long as the second argument says. Ask whether it is still \
                      there: send `ping`.";

/// By when a machine that is gone has to be found.
const FOUND: Duration = Duration::from_secs(90);

fn server(quiet: u32) -> Running {
    program!().typed().arg(quiet).listen()
}

fn gone(peer: &Peer) -> String {
    format!("gone {}\n", peer.local())
}

/// A client that has just been served, by a program that will not ask it anything soon.
fn served() -> (Running, Peer) {
    let server = server(60_000);
    explain("A client sent a line, and must get it back.", PING);
    let mut peer = server.connect();
    peer.send(line("hello")).expect(line("hello")).now();
    (server, peer)
}

#[test]
fn keepalive_is_on_and_soon() {
    if !needs::linux() {
        return;
    }
    let (server, peer) = served();
    server
        .expect_keepalive(&peer, Duration::from_secs(60))
        .or_explain(
            "A client whose machine loses power sends nothing, and without keepalive nobody ever \
             asks. Turn it on, and set when the first probe is due: the system's default is two \
             hours.",
            KEEPALIVE,
        );
    let copy = server.socket_of(&peer).now();
    let found = (|| {
        let probes = copy.tcp_keepalive_interval()? * copy.tcp_keepalive_retries()?;
        Ok::<_, std::io::Error>(copy.tcp_keepalive_time()? + probes)
    })();
    let found = found.expect("a copy of a TCP socket has these options");
    let got = format!("{found:?}: the time before the first, and an interval for each");
    check(found <= FOUND, "nobody there after 90 s of probes", got).or_explain(
        "The first probe comes soon, and then the system has its own ideas: 9 probes, 75 s apart. \
         Set how often it asks (TCP_KEEPINTVL), and how many times (TCP_KEEPCNT).",
        KEEPALIVE,
    );
}

#[test]
fn unacknowledged_bytes_have_a_limit() {
    if !needs::linux() {
        return;
    }
    let (server, peer) = served();
    let copy = server.socket_of(&peer).now();
    let limit = copy.tcp_user_timeout();
    let limit = limit.expect("a copy of a TCP socket has this option");
    let limit = limit.filter(|limit| !limit.is_zero());
    let got = limit.map_or("none".to_owned(), |limit| format!("{limit:?}"));
    let in_time = limit.is_some_and(|limit| limit <= FOUND);
    check(in_time, "a limit of 90 s for unacknowledged bytes", got).or_explain(
        "While bytes wait for their acknowledgment, keepalive does nothing, and the system resends \
         them for a quarter of an hour. Set TCP_USER_TIMEOUT, in milliseconds, to give up sooner.",
        BYTES,
    );
}

#[test]
fn a_stopped_peer_is_found() {
    // A process that is stopped: its kernel acknowledges all that comes, and nobody answers. The quickest of
    // up to three counts: the machine may be the one that was late.
    let mut quickest = Duration::MAX;
    for _ in 0..3 {
        quickest = quickest.min(undisturbed(LATE, a_stopped_one));
        if quickest < SOON_ENOUGH {
            break;
        }
    }
    let got = format!("found after {quickest:.1?}");
    check(quickest < SOON_ENOUGH, "with 500 ms, gone after 1 s", got).or_explain(
        "A pong may take as long as the silence before the ping, and no longer: one ping, one wait.",
        PING,
    );
    // The same, and it has asked for much before.
    let server = server(500);
    let mut peer = server.connect();
    peer.flood(line("x".repeat(10_000)).repeat(100), 64 << 20);
    server.prints(&gone(&peer)).or_explain(
        "This client has sent a lot and reads nothing, so your program waits for room to write. \
         Meanwhile nothing looks at the clock: a write needs a limit, too (chapter 11).",
        PING,
    );
}

/// How long it takes to find one.
fn a_stopped_one() -> Duration {
    let server = server(500);
    let mut peer = server.connect();
    peer.send(line("hello")).expect(line("hello")).now();
    let watch = Stopwatch::start();
    peer.expect(line("ping")).or_explain(SILENT, PING);
    let sentence = "The client was asked and has not answered for as long again. It is gone, \
                    even if its kernel still acknowledges: print `gone ADDRESS`, and close the \
                    connection.";
    server.prints(&gone(&peer)).or_explain(sentence, PING);
    let took = watch.elapsed();
    if took < SOON_ENOUGH {
        peer.expect_gone().or_explain(sentence, PING);
    }
    took
}

#[test]
fn a_quiet_one_that_answers_stays() {
    let sentence = "This client has nothing to say, but answers each ping in time, so it is alive. \
                    A pong starts its clock again.";
    undisturbed(LATE, || {
        let server = server(600);
        explain(sentence, PING);
        let mut peer = server.connect();
        for round in 0..4 {
            let began = Instant::now();
            peer.expect(line("ping")).now();
            let got = format!("a ping after {:.1?}", began.elapsed());
            let patient = began.elapsed() > Duration::from_millis(500);
            check(patient, "no ping before 600 ms of silence", got).now();
            peer.pause(Duration::from_millis(100));
            if round == 2 {
                // In two reads.
                peer.send("po")
                    .pause(Duration::from_millis(100))
                    .send("ng\n");
            } else {
                peer.send(line("pong"));
            }
        }
        peer.send(line("hello")).expect(line("hello")).now();
        let told = server.stdout();
        check(!told.contains("gone"), "nobody gone", told).now();
    });
}

#[test]
fn a_part_of_a_line_is_a_sign_of_life() {
    undisturbed(LATE, || {
        let server = server(800);
        let mut peer = server.connect();
        for byte in ["h", "e", "l", "l", "o"] {
            peer.pause(Duration::from_millis(300)).send(byte);
        }
        peer.send("\n").expect(line("hello")).or_explain(
            "This line took 1.5 s, but a byte came every 300 ms, so no ping was due after 800 ms. Any byte \
             starts the clock again, not only a whole line.",
            PING,
        );
    });
    undisturbed(LATE, || {
        let server = server(500);
        let mut peer = server.connect();
        peer.expect(line("ping")).or_explain(SILENT, PING);
        explain(
            "This client was asked, and sent `p` in time. That is a part of its pong, and a sign of life: its \
             clock starts again, and after the next silence it gets a new ping.",
            PING,
        );
        peer.send("p").expect(line("ping")).now();
        peer.send("ong\nhello\n").expect(line("hello")).now();
    });
}

#[test]
fn a_pulled_cable_is_found() {
    let Some(hosts) = Hosts::new() else { return };
    undisturbed(LATE, || {
        hosts.plug_cable();
        let server = program!().typed().arg(500).on(&hosts.left);
        let server = server.listen_on(hosts.left.any_port()).now();
        let mut peer = hosts.right.connect(server.address());
        peer.send(line("hello")).expect(line("hello")).now();
        hosts.pull_cable();
        server.prints(&gone(&peer)).or_explain(
            "The cable is pulled, and no packet says so: all that you can notice is that your ping \
             has no answer.",
            PING,
        );
        let mut here = hosts.left.connect(server.address());
        here.send(line("hello")).expect(line("hello")).or_explain(
            "One client is gone, and the others are no longer served. Close that one connection, \
             and go on with the others.",
            PING,
        );
    });
}

#[test]
fn the_others_feel_nothing() {
    undisturbed(LATE, || {
        let server = server(800);
        let silent = server.connect();
        let mut busy = server.connect();
        let gone = gone(&silent);
        let mut rounds = 0;
        while !server.stdout().contains(&gone) && rounds < 25 {
            busy.send(line("hello")).expect(line("hello")).or_explain(
                "This client talks all the time, while another is silent. A client that talks is \
                 alive: echo its lines, and don't send it a ping.",
                PING,
            );
            busy.pause(Duration::from_millis(150));
            rounds += 1;
        }
        let told = server.stdout();
        check(told.contains(&gone), format!("{gone:?}"), told).or_explain(
            "One client is silent, and another talks all the time. The bytes of one are no sign of \
             life from the other: give each connection a clock of its own.",
            PING,
        );
        busy.send(line("bye"))
            .half_close()
            .expect(line("bye"))
            .now();
        busy.expect_end().now();
        // What the program prints comes in its order: up to this, the one who left is not among it.
        let last = server.connect();
        server.prints(&self::gone(&last)).now();
        let told = server.stdout();
        let lines = told.lines().filter(|line| line.starts_with("gone"));
        check(lines.count() == 2, "the two that are silent gone", told).or_explain(
            "A client that closes its connection has told you that it is leaving. Don't \
             print `gone` for it: `gone` is for clients that vanish without closing.",
            PING,
        );
    });
}
