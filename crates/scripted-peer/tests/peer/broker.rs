//! A scripted broker, and how near it is to a real one.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::common::verdict;
use scripted_peer::{Address, Broker, Operation, Peer, Program, Running, needs, program};

const QUIET: &str = r#"CONNECT {"verbose":false,"headers":true,"no_responders":true}"#;

/// A client that the test plays by hand, greeted, and past the first fence.
fn client(broker: &Broker) -> Peer {
    let mut peer = Peer::connect(broker.address());
    let info = peer.next_line().unwrap();
    assert!(
        info.starts_with("INFO {") && info.contains("\"headers\":true"),
        "{info}"
    );
    say(&mut peer, &[QUIET, "PING"]);
    peer.expect("PONG\r\n");
    peer
}

fn say(peer: &mut Peer, lines: &[&str]) {
    peer.send(
        lines
            .iter()
            .map(|line| format!("{line}\r\n"))
            .collect::<String>(),
    );
}

fn worker(broker: &Broker, manner: &str) -> Running {
    program!()
        .arg(format!("worker-{manner}"))
        .connect_to(broker.address())
}

#[test]
fn each_request_is_answered_once_by_a_group() {
    let broker = Broker::start();
    let _workers = [worker(&broker, "in-a-group"), worker(&broker, "in-a-group")];
    broker.expect_subscribers("work", 2);
    for round in 0..10 {
        let request = broker.request("work", format!("hello {round}"));
        request.expect(format!("HELLO {round}"));
        broker.fence();
        request.expect_answers(1);
    }
    let by = |client| {
        let said = broker.operations();
        said.iter()
            .filter(|one| one.0 == client && matches!(one.1, Operation::Publish(_)))
            .count()
    };
    assert!(by(0) > 0 && by(1) > 0, "both have worked");
}

/// Whatever a client had sent when it ended counts, even if the broker has not read it yet.
#[test]
fn what_is_sent_is_read() {
    const MANY: usize = 3_000;
    let broker = Broker::start();
    let request = broker.request("work", "hello");
    let line = format!("PUB {} 5\r\nHELLO\r\n", request.inbox());
    let mut stream = TcpStream::connect(broker.address().to_string()).unwrap();
    let said = QUIET.to_owned() + "\r\n" + &line.repeat(MANY);
    stream.write_all(said.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(broker.connections(), 1);
    assert_eq!(broker.operations().len(), 1 + MANY);
    assert_eq!(request.answers().len(), MANY);
}

#[test]
fn without_a_group_everybody_answers() {
    let text = verdict(|| {
        let broker = Broker::start();
        let _workers = [worker(&broker, "alone"), worker(&broker, "alone")];
        broker.expect_subscribers("work", 2);
        let request = broker.request("work", "hello");
        request.expect("HELLO");
        broker.fence();
        request
            .expect_answers(1)
            .or_explain("Without a group everybody gets everything.", "");
    });
    let text = text.unwrap();
    assert!(text.contains("expected   1 answer to a request"), "{text}");
    assert!(text.contains(r#"got        2: "HELLO", "HELLO""#), "{text}");
    assert!(
        text.contains("SUB work 1"),
        "the timeline has what was said: {text}"
    );
}

#[test]
fn what_it_says_can_be_cut_at_every_byte_or_come_in_one() {
    let broker = Broker::start();
    let _worker = worker(&broker, "in-a-group");
    broker.expect_subscribed("work");
    broker.drip();
    broker
        .request("work", "\r\nMSG other 1 0\r\n")
        .expect("\r\nMSG OTHER 1 0\r\n");
    broker.whole().hold();
    let (one, two) = (broker.request("work", "one"), broker.request("work", "two"));
    broker.release();
    one.expect("ONE");
    two.expect("TWO");
}

#[test]
fn a_held_broker_says_nothing_but_what_the_check_delivers() {
    let broker = Broker::start();
    let mut peer = client(&broker);
    say(&mut peer, &["SUB work q 7", "PING"]);
    peer.expect("PONG\r\n");
    let subscription = broker.expect_subscribed("work").now();
    assert_eq!(
        (subscription.sid.as_str(), subscription.queue.as_deref()),
        ("7", Some("q"))
    );
    broker.hold();
    say(&mut peer, &["UNSUB 7", "PING"]);
    broker.expect_unsubscribed(&subscription);
    peer.expect_nothing_yet();
    // It was under way when the client said that it wants no more.
    let late = broker.deliver(&subscription, "late");
    peer.expect(format!("MSG work 7 {} 4\r\nlate\r\n", late.inbox()));
    broker.release();
    peer.expect("PONG\r\n");
    assert!(
        broker
            .request("work", "nobody is there")
            .answers()
            .is_empty()
    );
    peer.expect_nothing_yet();
}

#[test]
fn nobody_there_is_said_at_once() {
    let broker = Broker::start();
    let mut peer = client(&broker);
    say(&mut peer, &["SUB inbox.* 1", "PUB nowhere inbox.1 2", "hi"]);
    peer.expect("HMSG inbox.1 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n");
    // The check can be somebody.
    broker.listen_to("nowhere");
    say(&mut peer, &["PUB nowhere inbox.2 2", "hi"]);
    let message = broker.expect_message("nowhere").now();
    assert_eq!(
        (message.payload.as_slice(), message.reply.as_deref()),
        (&b"hi"[..], Some("inbox.2"))
    );
    broker
        .publish("inbox.2", "an answer")
        .publish("inbox.1", "a late one");
    peer.expect("MSG inbox.2 1 9\r\nan answer\r\nMSG inbox.1 1 10\r\na late one\r\n");
}

#[test]
fn limits_refusals_and_nonsense_end_a_connection_with_a_word() {
    let broker = Broker::with_max_payload(64);
    let end = |lines: &[&str], error: &str| {
        let mut peer = client(&broker);
        say(&mut peer, lines);
        peer.expect(format!("-ERR '{error}'\r\n"));
        peer.expect_gone();
    };
    end(&["PUB x 65"], "Maximum Payload Violation");
    end(&["GET / HTTP/1.1"], "Unknown Protocol Operation");
    broker.refuse("Authorization Violation");
    let mut peer = Peer::connect(broker.address());
    assert!(peer.next_line().unwrap().contains("\"max_payload\":64"));
    say(&mut peer, &[QUIET]);
    peer.expect("-ERR 'Authorization Violation'\r\n").now();
    peer.expect_gone();
    assert_eq!(broker.connections(), 3);
    assert!(broker.expect_connects(3).now().contains("verbose"));
    broker.admit();
    client(&broker).close();
}

#[test]
fn the_limit_may_change_and_pings_may_have_no_answer() {
    let broker = Broker::with_max_payload(64);
    client(&broker).close();
    broker.set_max_payload(96);
    let mut peer = Peer::connect(broker.address());
    assert!(peer.next_line().unwrap().contains("\"max_payload\":96"));
    say(&mut peer, &[QUIET, "SUB x 1", "PING"]);
    peer.expect("PONG\r\n").now();
    broker.ignore_pings();
    let text = "x".repeat(96);
    say(&mut peer, &["PING", "PUB x 96", &text]);
    peer.expect(format!("MSG x 1 96\r\n{text}\r\n")).now();
    say(&mut peer, &["PUB x 97"]);
    peer.expect("-ERR 'Maximum Payload Violation'\r\n").now();
    peer.expect_gone();
}

#[test]
fn headers_are_for_those_who_take_them() {
    let broker = Broker::start();
    let mut takes = client(&broker);
    say(&mut takes, &["SUB news 1", "PING"]);
    takes.expect("PONG\r\n");
    let mut plain = Peer::connect(broker.address());
    plain.next_line().unwrap();
    say(
        &mut plain,
        &[r#"CONNECT {"verbose":false}"#, "SUB news 1", "PING"],
    );
    plain.expect("PONG\r\n");
    broker.publish_with_headers("news", "NATS/1.0\r\na: b\r\n\r\n", "hi");
    takes.expect("HMSG news 1 18 20\r\nNATS/1.0\r\na: b\r\n\r\nhi\r\n");
    plain.expect("MSG news 1 2\r\nhi\r\n");
}

#[test]
fn it_drops_its_clients_goes_away_and_comes_back_knowing_nobody() {
    let broker = Broker::start();
    let mut peer = client(&broker);
    say(&mut peer, &["SUB work 1"]);
    let subscription = broker.expect_subscribed("work").now();
    broker.leave_soon();
    assert!(peer.next_line().unwrap().contains("\"ldm\":true"));
    broker.error("Slow Consumer").drop_clients();
    peer.expect("-ERR 'Slow Consumer'\r\n");
    peer.expect_end();
    broker.expect_unsubscribed(&subscription);
    let mut peer = client(&broker);
    broker.go_away();
    peer.expect_end();
    Peer::expect_refused(broker.address());
    broker.come_back();
    client(&broker).close();
    assert_eq!(broker.connections(), 3);
}

#[test]
fn what_does_not_come_is_missed() {
    let missed = |check: fn(&Broker)| {
        let text = verdict(move || {
            let broker = Broker::start().patience(Duration::from_millis(100));
            check(&broker);
        });
        text.unwrap()
    };
    let text = missed(|broker| {
        let found = broker.expect_subscribed("work");
        found.or_explain("Subscribe.", "");
    });
    assert!(
        text.contains("expected   1 client subscribed to work"),
        "{text}"
    );
    assert!(
        text.contains("got        this did not happen within 100ms"),
        "{text}"
    );
    assert!(text.contains("Subscribe."), "{text}");
    let text = missed(|broker| {
        let _deaf = client(broker);
        broker.fence().now();
    });
    assert!(text.contains("expected   PONG from each client"), "{text}");
    let text = missed(|broker| broker.request("work", "hello").expect("HELLO").now());
    assert!(text.contains(r#"expected   the answer "HELLO""#), "{text}");
}

#[test]
fn what_a_program_said_before_it_ended_has_come() {
    let broker = Broker::start();
    broker.listen_to("news");
    let script = r"printf 'CONNECT {}\r\nPUB news 2\r\nhi\r\n'";
    // A client that never reads: it speaks through the shell's own standard output.
    let speaker = Program::new("sh").args(["-c", script]).start();
    let said = speaker.exits_with(0).now().stdout;
    Peer::connect(broker.address()).send(said).half_close();
    assert_eq!(broker.expect_message("news").now().payload, b"hi");
}

#[test]
fn a_client_that_reads_nothing_ends_the_test_with_its_own_verdict() {
    let text = verdict(|| {
        let broker = Broker::start();
        let _deaf = client(&broker);
        for _ in 0..64 {
            broker.say(vec![b'x'; 1 << 20]);
        }
    });
    assert!(text.unwrap().contains("the program to read"));
}

/// What both are told, line by line, and what each says, with what differs by nature left out.
fn dialog(address: &Address, script: &[&str]) -> String {
    let mut peer = Peer::connect(address);
    let mut said = String::new();
    assert!(peer.next_line().unwrap().starts_with("INFO {"));
    for lines in script {
        peer.send(format!("{lines}\r\n"));
        if lines.ends_with("PING") {
            while let Some(line) = peer.next_line() {
                said += &format!("{line}\n");
                if line == "PONG\r" {
                    break;
                }
            }
        }
    }
    peer.half_close();
    while let Some(line) = peer.next_line() {
        said += &format!("{line}\n");
    }
    said
}

#[test]
fn it_says_what_the_real_one_says() {
    let Some((_server, real)) = nats_server() else {
        return;
    };
    let broker = Broker::start();
    let scripts: &[&[&str]] = &[
        &["CONNECT {}", "PING"],
        &[
            QUIET,
            "SUB a 1\r\nSUB a.* 2\r\nSUB h.> 3\r\nPUB a 2\r\nhi\r\nPUB a.b 0\r\n\r\nPUB h.i.j 0\r\n\r\nPING",
        ],
        &[
            QUIET,
            "SUB b 1\r\nPUB b reply 0\r\n\r\nUNSUB 1\r\nPUB b 1\r\nx\r\nPING",
        ],
        &[
            QUIET,
            "SUB c 1\r\nUNSUB 1 2\r\nPUB c 1\r\n1\r\nPUB c 1\r\n2\r\nPUB c 1\r\n3\r\nPING",
        ],
        &[QUIET, "SUB inbox 9\r\nPUB nobody inbox 2\r\nhi\r\nPING"],
        &[
            QUIET,
            "SUB d 1\r\nHPUB d 20 22\r\nNATS/1.0\r\nA: bcd\r\n\r\nhi\r\nPING",
        ],
        &[
            r#"CONNECT {"verbose":false,"echo":false}"#,
            "SUB e 1\r\nPUB e 1\r\nx\r\nPING",
        ],
        &[
            QUIET,
            "SUB f q 1\r\nSUB f q 2\r\npub f 1\r\nx\r\nping\r\nPING",
        ],
        &[QUIET, "GET / HTTP/1.1"],
        &[QUIET, "PUB g 1048577"],
    ];
    for script in scripts {
        let (ours, theirs) = (dialog(broker.address(), script), dialog(&real, script));
        // Which of one group gets it is a matter of chance.
        let plain = |text: String| text.replace("MSG f 2 ", "MSG f 1 ");
        assert_eq!(plain(ours), plain(theirs), "{script:?}");
    }
}

/// The real one, on a port of its own.
fn nats_server() -> Option<(Running, Address)> {
    let installed = std::process::Command::new("nats-server")
        .arg("--version")
        .output();
    if installed.is_err() {
        needs::skip("needs nats-server");
        return None;
    }
    let server = Program::new("nats-server")
        .args(["-a", "127.0.0.1", "-p", "-1"])
        .start();
    server.logs("Server is ready\n").now();
    let log = server.stderr();
    let port = log
        .split("client connections on 127.0.0.1:")
        .nth(1)?
        .lines()
        .next()?;
    let address = Address::Tcp(([127, 0, 0, 1], port.parse().ok()?).into());
    Some((server, address))
}
