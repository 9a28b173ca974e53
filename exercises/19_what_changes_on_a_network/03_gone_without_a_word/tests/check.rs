//! Does the program notice a client that vanished, and take no other client for one?

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

const SILENT: &str = "This client has been silent for as long as the second argument says, and \
                      your program didn't send it a `ping`. Send `ping` to ask whether the client \
                      is still there.";

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
    explain("A client didn't get its line back. Echo it.", PING);
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
            "Keepalive is off on this connection, or the first probe is due too late. A client \
             whose machine loses power sends nothing, and without keepalive the kernel never finds \
             out. Turn keepalive on, and set when the first probe is due: the system's default is \
             two hours.",
            KEEPALIVE,
        );
    let copy = server.socket_of(&peer).now();
    let found = (|| {
        let probes = copy.tcp_keepalive_interval()? * copy.tcp_keepalive_retries()?;
        Ok::<_, std::io::Error>(copy.tcp_keepalive_time()? + probes)
    })();
    let found = found.expect("a copy of a TCP socket has these options");
    let got = format!("{found:?}: the time before the first probe, and an interval for each");
    check(found <= FOUND, "the connection to end within 90 s", got).or_explain(
        "The first probe is due soon enough, but the others take too long: by default, the system \
         sends 9 probes, 75 s apart. Set how often it sends one (TCP_KEEPINTVL), and how many \
         (TCP_KEEPCNT).",
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
        "There is no limit, or too long a limit, for bytes that this client doesn't acknowledge. \
         While bytes are unacknowledged, keepalive does nothing, and the system resends them for a \
         quarter of an hour. To give up sooner, set TCP_USER_TIMEOUT (in milliseconds).",
        BYTES,
    );
}

#[test]
fn a_stopped_peer_is_found() {
    // A stopped process: its kernel acknowledges everything that arrives, but nothing replies. The
    // quickest of up to three counts, because the machine may have been slow.
    let mut quickest = Duration::MAX;
    for _ in 0..3 {
        quickest = quickest.min(undisturbed(LATE, a_stopped_one));
        if quickest < SOON_ENOUGH {
            break;
        }
    }
    let got = format!("found after {quickest:.1?}");
    check(quickest < SOON_ENOUGH, "found after 1 s (2 x 500 ms)", got).or_explain(
        "Your program took too long to find that this client is gone. A pong may take as long as \
         the silence before the ping, and no longer. So send one ping, and wait once for its pong.",
        PING,
    );
    // The same, but this client has sent a lot before.
    let server = server(500);
    let mut peer = server.connect();
    peer.flood(line("x".repeat(10_000)).repeat(100), 64 << 20);
    server.prints(&gone(&peer)).or_explain(
        "This client has sent a lot and isn't reading, so your program is blocked in a write, \
         where no timeout ends the wait. Set a timeout for writes too (chapter 11).",
        PING,
    );
}

/// How long the program takes to notice a stopped client.
fn a_stopped_one() -> Duration {
    let server = server(500);
    let mut peer = server.connect();
    peer.send(line("hello")).expect(line("hello")).now();
    let watch = Stopwatch::start();
    peer.expect(line("ping")).or_explain(SILENT, PING);
    let sentence = "The client did not answer a ping in time, and your program did not print `gone \
                    ADDRESS`, or did not close the connection. Such a client counts as gone, even \
                    if its kernel still acknowledges what you send: print the line, and close the \
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
    let sentence = "This client sends no lines of its own, but it answers each ping in time, and \
                    your program sent a ping too early, echoed a pong, or gave the client up. \
                    Restart its idle timer when a pong arrives, and don't echo the pong.";
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
        check(!told.contains("gone"), "no `gone` line", told).now();
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
            "Your program sent a ping while a line was arriving, or did not echo that line. The \
             line took 1.5 s, but a byte arrived every 300 ms, so there was never a silence of 800 \
             ms. Restart the idle timer at every byte, not only at the end of a line.",
            PING,
        );
    });
    undisturbed(LATE, || {
        let server = server(500);
        let mut peer = server.connect();
        peer.expect(line("ping")).or_explain(SILENT, PING);
        explain(
            "This client got a ping and sent `p` in time, and your program gave it up or stopped \
             serving it. The `p` is part of its pong, so the client is alive. Restart its idle \
             timer, and after the next silence send a new ping.",
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
            "The cable was pulled, and your program did not print `gone ADDRESS`. No packet \
             reports a pulled cable: the only sign is that your ping gets no answer. When the time \
             for that answer has passed, print the line.",
            PING,
        );
        let mut here = hosts.left.connect(server.address());
        here.send(line("hello")).expect(line("hello")).or_explain(
            "One client is gone, and the others are no longer served. Close only the connection \
             of the client that is gone, and keep serving the others.",
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
                "This client keeps sending lines while another client is silent, and your program \
                 sent it a ping or didn't echo its lines. A client that sends is alive: echo its \
                 lines, and don't send it a ping.",
                PING,
            );
            busy.pause(Duration::from_millis(150));
            rounds += 1;
        }
        let told = server.stdout();
        check(told.contains(&gone), format!("{gone:?}"), told).or_explain(
            "One client is silent while another one keeps sending lines, and your program didn't \
             print `gone` for the silent one. Data from one client tells you nothing about the \
             others: keep a separate idle timer for each connection.",
            PING,
        );
        busy.send(line("bye"))
            .half_close()
            .expect(line("bye"))
            .now();
        busy.expect_end().now();
        // The program prints its lines in order: up to this one, there is none for the client that left.
        let last = server.connect();
        server.prints(&self::gone(&last)).now();
        let told = server.stdout();
        let lines = told.lines().filter(|line| line.starts_with("gone"));
        check(lines.count() == 2, "`gone` for both silent clients", told).or_explain(
            "Your program printed `gone` for a client that had closed its connection. Such a \
             client has told you that it is leaving; `gone` is only for clients that vanish \
             without closing.",
            PING,
        );
    });
}
