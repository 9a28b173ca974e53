//! Does a client reach a server that has several addresses, of which some refuse and some are silent?

use std::time::{Duration, Instant};

use scripted_peer::{
    Address, BlackHole, Hosts, Listener, Peer, Program, Running, Stopwatch, appears, check,
    eventually, explain, needs, program, undisturbed,
};

const REFUSAL: &str = "19-what-changes-on-a-network.html#one-name-several-addresses";
const SILENCE: &str = "19-what-changes-on-a-network.html#silence-is-not-refusal";
const BRACKETS: &str = "19-what-changes-on-a-network.html#brackets";

/// How late a program, or the check, may be on a busy machine and still be judged by the clock.
const LATE: Duration = Duration::from_millis(500);

/// Clocks are coarse.
const SOONER: Duration = Duration::from_millis(50);

/// Enough time for every address that answers, in milliseconds.
const LONG: u32 = 15_000;

fn client(addresses: &[&Address]) -> Program {
    program!().typed().arg(LONG).args(addresses)
}

/// It has connected to this server, says so, and prints what the server sends as it arrives.
fn greets(client: &Running, mut server: Peer, address: &Address) {
    client
        .prints(&format!("connected to {address}\n"))
        .or_explain(
            "Your program has connected, but it hasn't printed the right `connected to` line. \
             Print the address at the other end of the connection (getpeername), which may differ \
             from the address that was typed.",
            REFUSAL,
        );
    server.send("welcome\n");
    client.prints("welcome\n").or_explain(
        "The server has sent something and keeps the connection open, but your program hasn't \
         printed it. Print what the server sends as it arrives, not at the end.",
        REFUSAL,
    );
    server.send("and bye\n").half_close();
    let all = format!("connected to {address}\nwelcome\nand bye\n");
    client.exits_with(0).stdout(all).or_explain(
        "The server has sent everything and closed the connection, and your program did not print \
         exactly that, or did not end with exit code 0. Print what the server sent and nothing \
         else, and end at the end of the stream.",
        REFUSAL,
    );
}

#[test]
fn a_refusal_is_no_reason_to_wait() {
    explain(
        "Every address but the last refuses the connection; a server is listening on the last \
         one. A refusal tells you at once that nothing is listening there, so try the next \
         address right away.",
        REFUSAL,
    );
    let refusing: Vec<Listener> = (0..20).map(|_| Listener::refusing()).collect();
    let (client, peer, server) = undisturbed(LATE, || {
        let server = Listener::tcp().patience(Duration::from_secs(8));
        let mut addresses: Vec<&Address> = refusing.iter().map(Listener::address).collect();
        addresses.push(server.address());
        let began = Instant::now();
        let client = client(&addresses).start();
        let peer = server.accept();
        let took = began.elapsed();
        let got = format!("it took {took:.1?}");
        let expected = "a connection right away: twenty refusals take no time";
        check(took < Duration::from_secs(3), expected, got).or_explain(
            "Twenty addresses refused right away, but your program waited before it tried the next \
             one. The 250 ms delay is only for an address that neither accepts nor refuses.",
            REFUSAL,
        );
        (client, peer, server)
    });
    greets(&client, peer, server.address());
}

/// These hang, and the one after them is reached, `soonest` after the start and not much later.
fn is_walked_around(holes: &[&BlackHole], soonest: Duration) {
    let (client, peer, server) = undisturbed(LATE, || {
        let server = Listener::tcp();
        let mut addresses: Vec<&Address> = holes.iter().map(|hole| hole.address()).collect();
        addresses.push(server.address());
        let (began, watch) = (Instant::now(), Stopwatch::start());
        let client = client(&addresses).start();
        let peer = server.try_accept().or_explain(
            "Your program kept waiting for a silent address, one that neither accepts the \
             connection nor refuses it. The system would keep trying for two minutes, so don't \
             wait for that: after 250 ms of silence, try the next address too.",
            SILENCE,
        );
        let (took, at_most) = (began.elapsed(), soonest + Duration::from_millis(700));
        let got = format!("it was tried after {took:.1?}");
        let expected = format!("the last address to be tried after about {soonest:?}");
        // Later than that may be the machine's doing, sooner is not.
        let in_time = took + SOONER > soonest && watch.elapsed() < at_most;
        check(in_time, expected, got).or_explain(
            "Your program tried the last address too early or too late. Give each silent address \
             250 ms before you try the next one. With less, a distant server has no time to \
             answer, and you open connections that you don't need. With more, the user has to \
             wait.",
            SILENCE,
        );
        (client, peer, server)
    });
    greets(&client, peer, server.address());
}

#[test]
fn a_black_hole_is_walked_around() {
    if !needs::linux() {
        return;
    }
    let (one, other) = (BlackHole::new(), BlackHole::new());
    is_walked_around(&[&one], Duration::from_millis(250));
    is_walked_around(&[&one, &other], Duration::from_millis(500));
}

#[test]
fn who_answers_late_is_taken() {
    if !needs::linux() {
        return;
    }
    let (hole, nobody) = (BlackHole::new(), Listener::refusing());
    let client = client(&[hole.address(), nobody.address()]).start();
    hole.expect_attempt().now();
    hole.wake_up();
    let sentence = "The first address was silent at first, the second refused, and then the first \
                    accepted, but your program did not use that connection. After 250 ms of \
                    silence, begin the next attempt, but keep the first one going: the address may \
                    still accept.";
    let expected = "the first attempt to continue, and its connection to be used";
    let visitor = appears(expected, Duration::from_secs(8), || {
        let ended = client.has_ended();
        hole.visitor().map(Some).or(ended.then_some(None))
    });
    let visitor = visitor.or_explain(sentence, SILENCE);
    check(visitor.is_some(), expected, "your program has ended").or_explain(sentence, SILENCE);
    let Some(peer) = visitor else { return };
    explain(sentence, SILENCE);
    greets(&client, peer, hole.address());
}

#[test]
fn the_first_that_answers_is_kept_alone() {
    // A program that is kept from running for 250 ms has seen silence.
    undisturbed(Duration::from_millis(150), || {
        let (first, second) = (Listener::tcp(), Listener::tcp());
        let both = client(&[first.address(), second.address()]).start();
        let peer = first.accept();
        greets(&both, peer, first.address());
        check(
            !second.visited(),
            "no connection at the second address",
            "a connection",
        )
        .or_explain(
            "The first address accepted right away, but your program connected to the second \
             address too. Don't open a connection that you don't need: it uses up a slot on the \
             server.",
            SILENCE,
        );
    });
    if !needs::linux() {
        return;
    }
    // An address that accepts after another one has been chosen.
    let (hole, server) = (BlackHole::new(), Listener::tcp());
    let _client = client(&[hole.address(), server.address()]).start();
    let peer = server.accept();
    hole.wake_up();
    explain(
        "Your program has its connection, but it hasn't given up its other attempt. Stop that \
         attempt, or close its connection as soon as it succeeds: every open connection uses up a \
         slot on a server.",
        SILENCE,
    );
    eventually("the other attempt to end", || hole.attempts() == 0).now();
    if let Some(mut late) = hole.visitor() {
        late.expect_gone().now();
    }
    drop(peer);
}

#[test]
fn all_refusals_are_named() {
    let nobody = [
        Listener::refusing(),
        Listener::refusing(),
        Listener::refusing(),
    ];
    let addresses: Vec<&Address> = nobody.iter().map(Listener::address).collect();
    are_named(LONG, &addresses);
    if needs::linux() {
        let hole = BlackHole::new();
        let addresses = [nobody[0].address(), hole.address(), nobody[1].address()];
        are_named(700, &addresses);
    }
}

/// No address has a server: each is named, with a reason, and the exit code is 1.
fn are_named(within: u32, addresses: &[&Address]) {
    let client = program!().typed().arg(within).args(addresses).start();
    let output = client.exits_with(1);
    let output = output.stdout("").or_explain(
        "No address accepted the connection, and your program did not exit with code 1, or it \
         printed something on standard output. When all addresses have refused, or the time in the \
         first argument has passed, report that on standard error, and end with exit code 1.",
        REFUSAL,
    );
    drop(output);
    let told = client.stderr();
    for address in addresses {
        let address = format!("{address}: ");
        let line = told.lines().find_map(|line| line.split_once(&address));
        let reason = line.is_some_and(|(_, reason)| !reason.trim().is_empty());
        check(
            reason,
            format!("a line with {address:?} and a reason"),
            told.trim(),
        )
        .or_explain(
            "Standard error doesn't say why this address failed. The user needs to know that for \
             each address, including the silent ones, and the last error is often the least \
             useful. Keep all the errors, and print a line for each address: `ADDR: reason`.",
            REFUSAL,
        );
    }
}

#[test]
fn brackets_and_names() {
    explain(
        "Your program did not connect to an address that was given as a name and a port. Look up \
         the name, and try all of its addresses.",
        BRACKETS,
    );
    let server = Listener::tcp();
    let by_name = format!("localhost:{}", server.address().port());
    let named = program!().typed().arg(LONG).arg(by_name).start();
    let peer = server.accept();
    greets(&named, peer, server.address());
    if !needs::ipv6() {
        return;
    }
    explain(
        "Your program did not connect to an IPv6 address. Such an address contains colons, so it \
         is written in brackets before its port. Parse the address and the port together \
         (SocketAddr, or to_socket_addrs). Don't split the text at a colon.",
        BRACKETS,
    );
    let (nobody, server) = (Listener::refusing(), Listener::tcp_v6());
    let client = client(&[nobody.address(), server.address()]).start();
    let peer = server.accept();
    greets(&client, peer, server.address());
}

#[test]
fn a_name_has_both_families() {
    let Some(hosts) = Hosts::new() else { return };
    explain(
        "Your program did not reach a server on the host `right`. That name has an IPv4 address \
         and an IPv6 address, and the server listens on only one of them. When one address of a \
         name refuses, another may still accept, so try each of them.",
        REFUSAL,
    );
    let servers = [Some(hosts.right.listener()), hosts.right.listener_v6()];
    for server in servers.into_iter().flatten() {
        let by_name = format!("{}:{}", hosts.right.name(), server.address().port());
        let client = program!()
            .typed()
            .arg(LONG)
            .arg(by_name)
            .on(&hosts.left)
            .start();
        let peer = server.accept();
        greets(&client, peer, server.address());
    }
}
