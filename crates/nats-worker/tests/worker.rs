//! What the worker promises, at the real broker: `nats-server`, on a port of its own. Where that is
//! missing the tests say so, and with `CI` set that is a failure.

#![cfg(unix)]

#[path = "worker/broker.rs"]
mod broker;
#[path = "worker/caller.rs"]
mod caller;

use scripted_peer::{
    Gate, Listener, NotifySocket, Operation, PredicateBooleanExt as _, Program, Signal, appears,
    contains, starts_with,
};

use broker::{Broker, PATIENCE};
use caller::{Caller, Delivered, Load, WINDOW};

/// A request of the service that takes its time.
fn request(kind: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    [&[kind], body.as_ref()].concat()
}

/// Asks a slow worker, and returns the gate at which it now waits; the answer goes to `slow`.
fn under_way(caller: &mut Caller) -> Gate {
    let mut gate = Gate::new().patience(PATIENCE);
    let wait = request(0x12, gate.path().to_str().unwrap());
    caller.ask("slow", &wait);
    gate.expect_entered().now();
    gate
}

fn error(code: u8) -> [u8; 3] {
    [0xFF, 0, code]
}

#[test]
fn workers_come_and_go_and_no_answer_is_lost_or_given_twice() {
    let Some(broker) = Broker::start("") else {
        return;
    };
    let (killed, mut old) = (broker.worker(), broker.worker());
    let load = Load::start(&broker);
    load.expect_answers(2_000);

    killed.signal(Signal::KILL);
    killed.ends().now();
    broker.expect_departures(1);
    // Gone is what the dead worker had, and nothing that is sent from now on.
    let from = load.forgive();
    load.expect_answers(2_000);

    for _ in 0..5 {
        let new = broker.worker();
        load.expect_answers(1_000);
        old.signal(Signal::TERM);
        old.exits_with(0)
            .stderr("draining: received a signal\n")
            .now();
        load.expect_answers(1_000);
        old = new;
    }
    let answers = load.stop(from, || {
        old.signal(Signal::TERM);
        old.exits_with(0).now();
    });

    assert!(answers.iter().all(|count| *count <= 1), "one came twice");
    let lost = answers.iter().filter(|count| **count == 0).count();
    assert!(lost <= WINDOW, "{lost} were lost by the kill");
    assert!(answers[from..].iter().all(|count| *count == 1));
    println!("{} requests, {lost} lost by the kill", answers.len());
}

#[test]
fn what_was_under_way_when_it_took_its_subscription_back_is_answered() {
    // A scripted one: it is slow to hear of it.
    let broker = scripted_peer::Broker::start().patience(PATIENCE);
    let worker = Program::exactly(env!("CARGO_BIN_EXE_nats-worker"))
        .args(["--subject", "work", "--drain-timeout", "1h", "--connect"])
        .arg(broker.address())
        .patience(PATIENCE)
        .start();
    worker.prints("listening on work").now();
    let subscription = broker.expect_subscribed("work").now();
    broker.hold();
    worker.signal(Signal::TERM);
    let unsubscribes = || {
        let operations = broker.operations();
        let is = |(_, operation): &(usize, Operation)| matches!(operation, Operation::Unsubscribe { sid, .. } if *sid == subscription.sid);
        operations.iter().any(is).then_some(())
    };
    appears("UNSUB", PATIENCE, unsubscribes).now();
    for number in 0..3 {
        let under_way = broker.deliver(&subscription, [0x02, number]);
        under_way.expect([0x82, number]).now();
    }
    broker.release();
    worker.exits_with(0).now();
}

#[test]
fn when_the_broker_restarts_worker_and_caller_connect_again() {
    let Some(mut broker) = Broker::start("") else {
        return;
    };
    let worker = broker.worker();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let connect = async_nats::connect(broker.address());
    let client = runtime.block_on(connect).unwrap();
    let say = || client.request(broker::SUBJECT, request(0x01, "hello").into());
    let reply = runtime.block_on(say()).unwrap();
    assert_eq!(&reply.payload[..], [0x81]);

    for _ in 0..2 {
        broker.restart();
        let address = broker.address();
        worker
            .logs(&format!("lost the broker at {address}; trying again\n"))
            .now();
        worker
            .logs(&format!("connected to the broker at {address} again\n"))
            .now();
        // Nobody may be there for a moment: the worker has connected, and not subscribed yet.
        let answer = || runtime.block_on(say()).ok();
        let reply = appears("an answer from the worker", PATIENCE, answer).now();
        assert_eq!(&reply.payload[..], [0x81]);
    }
    worker.signal(Signal::TERM);
    worker.exits_with(0).now();
}

#[test]
fn an_answer_that_the_broker_would_not_take_becomes_a_short_error() {
    let Some(broker) = Broker::start("max_payload: 64") else {
        return;
    };
    let worker = broker.slow_worker(&[]);
    let mut caller = Caller::connect(&broker);
    let repeat = |count: u32| request(0x11, count.to_be_bytes());
    assert_eq!(caller.call(&repeat(63)), request(0x90, "x".repeat(63)));
    for too_many in [64, 100_000_000] {
        let reply = caller.call(&repeat(too_many));
        assert_eq!(reply[..3], error(2), "TooLarge");
        let text = String::from_utf8_lossy(&reply[3..]).into_owned();
        let whole = format!(
            "the answer has {} bytes; the broker accepts at most 64",
            too_many + 1
        );
        assert_eq!(text, whole);
    }
    // The broker has not closed the connection.
    assert_eq!(caller.call(&request(0x10, "hello")), request(0x90, "HELLO"));
    assert_eq!(worker.stderr(), "");
}

#[test]
fn who_gives_no_reply_subject_gets_no_reply() {
    let Some(broker) = Broker::start("") else {
        return;
    };
    let worker = broker.worker();
    let mut caller = Caller::connect(&broker);
    caller.tell(&request(0x01, "hello"));
    caller.tell(b"");
    caller.listen_to_all();
    caller.tell(&request(0x01, "hello"));
    worker.signal(Signal::TERM);
    worker.exits_with(0).now();
    // All that the worker published is here; of its questions whether the broker hears, none counts.
    let own = |message: &Delivered| message.to == broker::SUBJECT;
    let published = caller.until_pong();
    assert_eq!(published.iter().filter(|message| own(message)).count(), 1);
    let others: Vec<_> = published.iter().filter(|message| !own(message)).collect();
    assert!(
        others.iter().all(|message| message.payload.is_empty()),
        "{others:?}"
    );
}

#[test]
fn whoami_says_that_the_broker_takes_the_identity_away_and_stats_count() {
    let Some(broker) = Broker::start("") else {
        return;
    };
    let _worker = broker.worker();
    let mut caller = Caller::connect(&broker);
    let who = format!("broker {}, which does not say who asked", broker.address());
    assert_eq!(caller.call(&[0x03]), request(0x83, who));
    let stats = caller.call(&[0x04]);
    assert_eq!(stats[1..13], [0; 12], "no connection");
    assert_eq!(stats[13..21], 2_u64.to_be_bytes(), "requests");
}

#[test]
fn what_is_no_request_is_malformed_and_close_closes_nothing() {
    let Some(broker) = Broker::start("") else {
        return;
    };
    let _worker = broker.worker();
    let mut caller = Caller::connect(&broker);
    assert_eq!(caller.call(b"")[..3], error(3), "Malformed");
    assert_eq!(caller.call(&[0x7E])[..3], error(3), "Malformed");
    assert_eq!(caller.call(&[0x01, 0xFF])[..3], error(4), "NotText");
    assert_eq!(caller.call(&[0x05]), [0x85]);
    assert_eq!(caller.call(&request(0x01, "hello")), [0x81]);
}

#[test]
fn an_answer_that_comes_later_delays_nobody_and_a_full_house_is_told_so() {
    let Some(broker) = Broker::start("") else {
        return;
    };
    let _worker = broker.slow_worker(&["--max-requests", "1"]);
    let mut caller = Caller::connect(&broker);
    let gate = under_way(&mut caller);
    assert_eq!(caller.call(&request(0x10, "hello"))[..3], error(5), "Busy");
    gate.release();
    let slow = Delivered {
        to: "slow".to_owned(),
        payload: vec![0x90],
    };
    assert_eq!(caller.receive(), slow);
    assert_eq!(caller.call(&request(0x10, "hello")), request(0x90, "HELLO"));
    let reply = caller.call(&request(0x12, "/no/such/file"));
    assert_eq!(reply[..3], [0xFF, 1, 0], "an error of the service's own");
}

#[test]
fn a_drain_waits_for_an_answer_and_exits_0() {
    let Some(broker) = Broker::start("") else {
        return;
    };
    let worker = broker.slow_worker(&["--drain-timeout", "1m"]);
    let mut caller = Caller::connect(&broker);
    let gate = under_way(&mut caller);
    assert_eq!(caller.call(&request(0x10, "hello")), request(0x90, "HELLO"));
    worker.signal(Signal::TERM);
    worker.logs("draining: received a signal\n").now();
    gate.release();
    assert_eq!(caller.receive().to, "slow");
    worker.exits_with(0).now();
}

#[test]
fn the_drain_timeout_and_a_second_signal_cut_and_exit_3() {
    let Some(broker) = Broker::start("") else {
        return;
    };
    let left =
        "forced to end, with unanswered requests or replies that the broker had not confirmed\n";
    let mut caller = Caller::connect(&broker);
    for timeout in ["200ms", "1h"] {
        let worker = broker.slow_worker(&["--drain-timeout", timeout]);
        let _gate = under_way(&mut caller);
        worker.signal(Signal::INT);
        worker.logs("draining: received a signal\n").now();
        if timeout == "1h" {
            // One that comes too soon is the first, sent twice.
            let cut = || {
                worker.signal(Signal::TERM);
                worker.stderr().contains("cutting").then_some(())
            };
            appears("a second signal to cut", PATIENCE, cut).now();
        }
        worker.exits_with(3).stderr(contains(left)).now();
    }
}

#[test]
fn signals_that_the_starter_ignored_drain_and_a_supervisor_hears_of_it() {
    let Some(broker) = Broker::start("") else {
        return;
    };
    let mut supervisor = NotifySocket::on_path();
    supervisor.patience(PATIENCE);
    let program = Program::exactly(env!("CARGO_BIN_EXE_nats-worker"));
    let program = program.after("trap '' INT TERM").notifies(&supervisor);
    let worker = broker.ready(program);
    supervisor.expect("READY=1").now();
    worker.signal(Signal::INT);
    supervisor.expect("STOPPING=1").now();
    worker.exits_with(0).now();
}

#[test]
fn a_broker_that_cannot_be_reached_is_one_line_and_exit_1() {
    let program = || Program::exactly(env!("CARGO_BIN_EXE_nats-worker")).patience(PATIENCE);
    let refusing = Listener::refusing();
    let http = Listener::tcp().serve(|mut peer| {
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    for (address, told) in [
        (refusing.address().to_string(), "start it (nats-server)"),
        (http.address().to_string(), "start it (nats-server)"),
        ("somebody:secret@no such host".to_owned(), "give HOST:PORT"),
    ] {
        let worker = program().args(["--connect", &address]).start();
        let host = address.rsplit('@').next().unwrap();
        let line = starts_with("nats-worker: ")
            .and(contains(host))
            .and(contains(told));
        let ended = worker.exits_with(1).stdout("").stderr(line).now();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(said.matches('\n').count(), 1, "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn a_subject_that_is_none_is_one_line_and_exit_1() {
    let Some(broker) = Broker::start("") else {
        return;
    };
    let worker = Program::exactly(env!("CARGO_BIN_EXE_nats-worker"))
        .args(["--connect", &broker.address(), "--subject", "two words"])
        .patience(PATIENCE)
        .start();
    let line = starts_with("nats-worker: ").and(contains("two words"));
    let ended = worker.exits_with(1).stdout("").stderr(line).now();
    assert_eq!(
        ended.stderr.iter().filter(|byte| **byte == b'\n').count(),
        1
    );
}

#[test]
fn a_broker_that_is_gone_when_the_signal_comes_is_waited_for_until_the_deadline() {
    let Some(broker) = Broker::start("") else {
        return;
    };
    let worker = broker.slow_worker(&["--drain-timeout", "300ms"]);
    broker.program().signal(Signal::KILL);
    worker.logs("lost the broker").now();
    worker.signal(Signal::TERM);
    worker.exits_with(3).now();
}

#[test]
fn a_connection_that_breaks_during_the_drain_is_reported_and_exits_3() {
    let Some(mut broker) = Broker::start("") else {
        return;
    };
    let worker = broker.slow_worker(&["--drain-timeout", "1m"]);
    let mut caller = Caller::connect(&broker);
    let gate = under_way(&mut caller);
    worker.signal(Signal::TERM);
    worker.logs("draining: received a signal\n").now();
    broker.restart();
    worker.logs("again\n").now();
    // The broker of now takes the reply, and knows nobody who waits for it.
    gate.release();
    let line = "the connection to the broker broke during the drain; replies that the broker had not \
                confirmed may be lost\n";
    let ended = worker.exits_with(3).stderr(contains(line)).now();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let told = format!(
        "own_service: {} at {}: {line}",
        broker::SUBJECT,
        broker.address()
    );
    assert!(said.ends_with(&told), "{said}");
}

#[test]
fn a_broker_that_is_gone_when_the_signal_comes_and_comes_back_lets_the_drain_exit_0() {
    let Some(mut broker) = Broker::start("") else {
        return;
    };
    let worker = broker.slow_worker(&["--drain-timeout", "1m"]);
    broker.program().signal(Signal::KILL);
    worker.logs("lost the broker").now();
    worker.signal(Signal::TERM);
    worker.logs("draining: received a signal\n").now();
    broker.restart();
    worker.exits_with(0).now();
}
