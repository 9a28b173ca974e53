//! Is each request answered, once, by any of the workers, whatever becomes of one of them?

use std::time::{Duration, Instant};

use scripted_peer::{
    Broker, Gate, Operation, Running, Signal, Subscription, appears, check, eventually, explain,
    program,
};

const GROUP: &str = "21-more-than-one-server.html#a-group-shares-the-work";
const COUNTED: &str = "21-more-than-one-server.html#a-line-and-a-count";
const READS_ON: &str = "21-more-than-one-server.html#busy-is-not-dead";
const DRAIN: &str = "21-more-than-one-server.html#how-a-worker-leaves";
const BACK: &str = "21-more-than-one-server.html#the-broker-forgot-you";

const SUBJECT: &str = "jobs.upper";

/// The least pause between two tries, and how much sooner a clock may say that it was.
const PAUSE: Duration = Duration::from_millis(100);
/// How long to wait for something that follows a pause of at most a second.
const SOON: Duration = Duration::from_secs(6);

/// How long to watch whether a program exits when it should wait.
const GLIMPSE: Duration = Duration::from_millis(500);

fn worker(broker: &Broker, queue: &str) -> Running {
    program!()
        .args([SUBJECT, queue])
        .patience(SOON)
        .connect_to(broker.address())
}

/// A broker that has one worker.
fn one() -> (Broker, Running) {
    explain(
        "Your program did not answer a request correctly. The reply subject is the word before the \
         size in the `MSG` line. Publish the answer to that subject, once: `PUB REPLY SIZE`, then \
         the answer in upper case, each with `\\r\\n` at its end.",
        COUNTED,
    );
    let broker = Broker::start().patience(SOON);
    let worker = worker(&broker, "crew");
    subscribes(&broker, 1);
    (broker, worker)
}

fn subscribes(broker: &Broker, count: usize) {
    broker.expect_subscribers(SUBJECT, count).or_explain(
        "Your program hasn't subscribed, so the broker doesn't send it any requests. Read the \
         broker's INFO, send CONNECT with a JSON object, and then `SUB SUBJECT QUEUE 1`, each line \
         with `\\r\\n` at its end.",
        COUNTED,
    );
}

/// This worker's request gets exactly one answer, this one.
fn answers(broker: &Broker, request: &str, answer: &str) {
    let request = broker.request(SUBJECT, request);
    request.expect(answer).now();
    broker.fence().now();
    request.expect_answers(1).now();
}

fn wait(gate: &Gate) -> String {
    format!("wait {}", gate.path().display())
}

/// How many messages the workers have published so far.
fn published(broker: &Broker) -> usize {
    let is = |said: &&(usize, Operation)| matches!(said.1, Operation::Publish(_));
    broker.operations().iter().filter(is).count()
}

#[test]
fn each_request_is_answered_once() {
    let broker = Broker::start().patience(SOON);
    let _workers = [worker(&broker, "crew"), worker(&broker, "crew")];
    subscribes(&broker, 2);
    explain(
        "A request was not answered by exactly one of two workers. Without a queue group, both get \
         every request. Subscribe with the queue that the third argument names.",
        GROUP,
    );
    for round in 0..12 {
        let request = broker.request(SUBJECT, format!("hello {round}"));
        request.expect(format!("HELLO {round}")).now();
        broker.fence().now();
        request.expect_answers(1).now();
    }
    let _other = worker(&broker, "audit");
    subscribes(&broker, 3);
    let request = broker.request(SUBJECT, "to both groups");
    request.expect("TO BOTH GROUPS").now();
    let both = || request.answers().len() == 2;
    eventually("an answer from each of two groups", both).or_explain(
        "A worker was started with a different queue, and it shares the work with the others. Each \
         group must get every request. Use the third argument, exactly as given, as the queue.",
        GROUP,
    );
}

#[test]
fn the_payload_is_counted() {
    let (broker, _worker) = one();
    explain(
        "Your program did not answer a request with this payload correctly. The number in MSG says \
         how many bytes the payload has, and the payload may contain anything, even line ends and \
         operations. Read exactly that many bytes, and two more for the line end after them.",
        COUNTED,
    );
    let inside = "one\r\nMSG other 1 0\r\n\r\nPING\r\ntwo";
    answers(&broker, inside, &inside.to_uppercase());
    answers(&broker, "", "");
    answers(&broker, "\r\n", "\r\n");
    let long = "x".repeat(300_000);
    answers(&broker, &long, &long.to_uppercase());
    explain(
        "The answer to this request was wrong, or never arrived. The size in PUB must be the size \
         of the answer in bytes. Don't count characters, and don't use the size of the request, \
         because a text may be longer in upper case.",
        COUNTED,
    );
    answers(&broker, "größe €, ŉ", "GRÖSSE €, ʼN");
    explain(
        "This request isn't UTF-8, and your program did not answer `not text`, or did not answer \
         the request after it. Send that answer and continue, because one bad request must not \
         stop the worker.",
        COUNTED,
    );
    let request = broker.request(SUBJECT, b"\xff\xfe");
    request.expect("not text").now();
    answers(&broker, "after that", "AFTER THAT");
}

#[test]
fn who_wants_no_reply_gets_none() {
    let (broker, _worker) = one();
    broker.hold().publish(SUBJECT, "no answer, please");
    let request = broker.request(SUBJECT, "after that");
    broker.release();
    explain(
        "A message arrived without a reply subject, and your program published something for it, \
         or did not answer the next request. Its sender wants no answer. A PUB with an empty \
         subject is an error for which the broker closes your connection, so publish nothing.",
        COUNTED,
    );
    request.expect("AFTER THAT").now();
    broker.fence().now();
    let count = published(&broker);
    let got = format!("{count}");
    check(count == 1, "1 message published, for 1 request", got).now();
    let came = broker.connections();
    check(came == 1, "1 connection", format!("{came}")).now();
}

#[test]
fn the_longest_payload_is_the_brokers() {
    let broker = Broker::with_max_payload(64).patience(SOON);
    let _worker = worker(&broker, "crew");
    subscribes(&broker, 1);
    explain(
        "INFO said `max_payload`: 64, and your program did not apply that limit correctly. Publish \
         an answer of 64 bytes as it is. If an answer is longer, publish `too long` instead, \
         because the broker would close your connection.",
        COUNTED,
    );
    answers(&broker, &"x".repeat(64), &"X".repeat(64));
    // ŉ has two bytes, and three in upper case: 65 in all.
    answers(&broker, &format!("ŉ{}", "x".repeat(62)), "too long");
    answers(&broker, &"ŉ".repeat(22), "too long");
    answers(&broker, "after that", "AFTER THAT");
    let came = broker.connections();
    check(came == 1, "1 connection", format!("{came}")).now();
}

#[test]
fn any_split_is_the_same_message() {
    const SPLIT: &str = "Your program did not answer a request that arrived in pieces, or together \
                         with others. A stream doesn't keep messages apart: an operation may \
                         arrive in pieces, or several in one read. Keep what you have read until \
                         the line and its payload are complete.";
    explain(SPLIT, COUNTED);
    let broker = Broker::start().patience(SOON);
    broker.drip();
    let _worker = worker(&broker, "crew");
    subscribes(&broker, 1);
    let request = broker.request(SUBJECT, "a\r\nb, in pieces");
    request.expect("A\r\nB, IN PIECES").now();
    broker.whole().hold();
    let requests: Vec<_> = (0..50)
        .map(|number| broker.request(SUBJECT, format!("number {number}\r\n")))
        .collect();
    broker.release();
    for (number, request) in requests.iter().enumerate() {
        request.expect(format!("NUMBER {number}\r\n")).now();
    }
    // One and a half, and then the rest, with nothing of the broker's own in between.
    broker.fence().now();
    broker.hold();
    broker.say(format!("MSG {SUBJECT} 1 _INBOX.nobody 3\r\none\r\nPI"));
    broker.say("NG\r\n").release();
    broker.leave_soon();
    explain(
        "The broker sent INFO a second time, and then your program did not answer a request. A \
         broker sends INFO again when something has changed. That is not an error, so keep using \
         the connection.",
        COUNTED,
    );
    answers(&broker, "after that", "AFTER THAT");
}

#[test]
fn a_ping_is_answered_while_it_works() {
    let (broker, _worker) = one();
    let mut gate = Gate::new();
    let text = wait(&gate);
    let request = broker.request(SUBJECT, &text);
    gate.expect_entered().or_explain(
        "A request was `wait` and a path, and your program didn't open that file. The stub's \
         `answer` reads the file to its end: leave that as it is.",
        READS_ON,
    );
    broker.fence().or_explain(
        "The broker sent PING while your program was working on a request, and got no PONG. A \
         broker can't tell a busy worker from a dead one, so it closes the connection. Keep \
         reading while you work, on another thread.",
        READS_ON,
    );
    gate.release();
    request.expect(text.to_uppercase()).or_explain(
        "The work on this request is done, but its answer has not arrived. Publish an answer as \
         soon as it is ready, no matter what has arrived meanwhile.",
        READS_ON,
    );
}

const LEFT: &str = "A signal has arrived, and everything that was under way has been answered, but \
                    your program didn't exit with code 0. Unsubscribe, answer the rest, make sure \
                    that the answers have arrived, and end with exit code 0.";

/// The first worker has ended, after it made sure that its answers are with the broker.
fn left(broker: &Broker, worker: &Running) {
    worker.exits_with(0).or_explain(LEFT, DRAIN);
    let got = "no PING after the last answer";
    check(fenced(broker).is_some(), "PING after the last answer", got).or_explain(NO_PING, DRAIN);
}

const NO_PING: &str = "Your program sent no PING after its last answer. Bytes that you have \
                       written have not necessarily arrived: if you close a connection while the \
                       broker is sending on it, the broker may lose what it has not read yet \
                       (chapter 6). Send PING after the last answer, and exit when its PONG \
                       arrives.";

/// The first worker has said PING after its last answer.
fn fenced(broker: &Broker) -> Option<()> {
    let said = broker.operations();
    let last = |what: fn(&Operation) -> bool| {
        said.iter()
            .rposition(|(client, one)| *client == 0 && what(one))
    };
    let answer = last(|one| matches!(one, Operation::Publish(_)));
    let fence = last(|one| matches!(one, Operation::Ping));
    (fence > answer).then_some(())
}

/// It has sent UNSUB, instead of only closing its connection.
fn unsubscribes(broker: &Broker, subscription: &Subscription) {
    const STAYS: &str = "A signal has arrived, and your program didn't send UNSUB right away. As \
                         long as the program is subscribed, the broker keeps giving it work; and \
                         if it ends without UNSUB, the requests that it was given are lost.";
    broker
        .expect_unsubscribed(subscription)
        .or_explain(STAYS, DRAIN);
    let is = |(client, one): &(usize, Operation)| {
        *client == subscription.client && matches!(one, Operation::Unsubscribe { .. })
    };
    let said = broker.operations().iter().any(is);
    check(said, "UNSUB", "the end of the connection").or_explain(STAYS, DRAIN);
}

#[test]
fn what_was_under_way_is_answered() {
    const FENCE: &str = "Your program did not answer requests that the broker had sent before it \
                         read your UNSUB. No other worker gets those requests, so you have to \
                         answer them. Send PING after UNSUB, and answer everything that arrives \
                         before its PONG.";
    for signal in [Signal::TERM, Signal::INT] {
        let (broker, worker) = one();
        let subscription = broker.expect_subscribed(SUBJECT).now();
        // The broker has sent the worker more requests, which have not arrived when the signal does.
        broker.hold();
        let late = [1, 2].map(|number| broker.request(SUBJECT, format!("late {number}")));
        worker.signal(signal);
        unsubscribes(&broker, &subscription);
        broker.release();
        late[0].expect("LATE 1").or_explain(FENCE, DRAIN);
        late[1].expect("LATE 2").or_explain(FENCE, DRAIN);
        left(&broker, &worker);
    }
    // Work that takes time, and a request that is waiting behind it.
    let (broker, worker) = one();
    let subscription = broker.expect_subscribed(SUBJECT).now();
    let mut gate = Gate::new();
    let text = wait(&gate);
    let (slow, second) = (
        broker.request(SUBJECT, &text),
        broker.request(SUBJECT, "second"),
    );
    gate.expect_entered().now();
    broker.fence().or_explain(
        "The broker sent PING while your program was working on a request, and got no PONG. A \
         broker can't tell a busy worker from a dead one, so it closes the connection. Keep \
         reading while you work, on another thread.",
        READS_ON,
    );
    worker.signal(Signal::TERM);
    unsubscribes(&broker, &subscription);
    broker.fence().or_explain(
        "The broker sent PING while your program was draining, and got no PONG. Keep answering \
         PING until you end. Otherwise the broker closes the connection, and the last answers are \
         lost.",
        DRAIN,
    );
    let third = broker.deliver(&subscription, "third");
    gate.release();
    const DIED: &str = "This request was under way when the signal arrived, and it never got an \
                        answer. No other worker has this request, so answer it before you end.";
    slow.expect(text.to_uppercase()).or_explain(DIED, DRAIN);
    second.expect("SECOND").or_explain(DIED, DRAIN);
    // The worker may have been too late for this request: the PONG had arrived.
    drop(third);
    left(&broker, &worker);
}

#[test]
fn the_others_take_over() {
    let broker = Broker::start().patience(SOON);
    let leaves = worker(&broker, "crew");
    subscribes(&broker, 1);
    let _stays = worker(&broker, "crew");
    subscribes(&broker, 2);
    let subscription = broker.expect_subscribed(SUBJECT).now();
    // The workers have not read what the broker sends now when the signal arrives.
    broker.hold();
    let mut requests: Vec<_> = (0..40).map(|_| broker.request(SUBJECT, "hello")).collect();
    leaves.signal(Signal::TERM);
    unsubscribes(&broker, &subscription);
    requests.extend((0..40).map(|_| broker.request(SUBJECT, "hello")));
    broker.release();
    left(&broker, &leaves);
    explain(
        "One of two workers was told to end while requests were arriving, and a request was not \
         answered exactly once. Each request must be answered by one worker or the other, and by \
         only one of them.",
        DRAIN,
    );
    for request in requests {
        request.expect("HELLO").now();
        request.expect_answers(1).now();
    }
}

#[test]
fn it_comes_back_and_subscribes_again() {
    const FORGOT: &str = "The connection ended, and your program did not subscribe again in its \
                          queue group. The broker forgot everything that your program had sent on \
                          the old connection, so connect again, and send CONNECT, and SUB with the \
                          queue, again.";
    explain(FORGOT, BACK);
    let broker = Broker::with_max_payload(64).patience(SOON);
    broker.go_away();
    let worker = program!().args([SUBJECT, "crew"]).patience(SOON);
    let worker = worker.connect_to(broker.address());
    worker.logs(&broker.address().to_string()).or_explain(
        "The broker isn't there yet, and your program didn't report that. Report it on standard \
         error, with the broker's address, and try again.",
        BACK,
    );
    broker.come_back();
    broker.expect_subscribers(SUBJECT, 1).or_explain(
        "The broker wasn't there at first, but now it is, and your program hasn't subscribed. Try \
         to connect again, at least once a second.",
        BACK,
    );
    answers(&broker, "hello", "HELLO");
    broker.set_max_payload(128);
    broker.error("Slow Consumer").drop_clients();
    worker.logs("Slow Consumer").or_explain(
        "The broker sent -ERR with a reason, and your program did not print that reason. Print it \
         on standard error, because the person who runs this program needs to know it.",
        BACK,
    );
    broker
        .expect_subscribers(SUBJECT, 1)
        .or_explain(FORGOT, BACK);
    let again = broker.expect_subscribed(SUBJECT).now();
    check(
        again.queue.as_deref() == Some("crew"),
        "a subscription in the queue group",
        format!("{:?}", again.queue),
    )
    .or_explain(FORGOT, BACK);
    answers(&broker, "again", "AGAIN");
    explain(
        "INFO said `max_payload`: 64 on the first connection, and 128 on this one, but your \
         program has kept the first limit. Each connection begins with an INFO: use the limit of \
         the current connection.",
        BACK,
    );
    answers(&broker, &"x".repeat(100), &"X".repeat(100));
    broker.go_away();
    worker.signal(Signal::TERM);
    worker.exits_with(0).or_explain(
        "A signal arrived while the broker was away, and your program did not exit with code 0. \
         Nothing is under way, so don't wait for the broker.",
        BACK,
    );
}

#[test]
fn it_makes_a_pause() {
    let (broker, _worker) = one();
    let came = || broker.connections();
    broker.refuse("Authorization Violation").drop_clients();
    let first = came();
    appears("another try", SOON, || (came() > first).then_some(())).or_explain(
        "The connection ended, and your program didn't connect again. Try again, at least once a \
         second.",
        BACK,
    );
    let (from, began) = (came(), Instant::now());
    appears("three more tries", SOON, || {
        (came() >= from + 3).then_some(())
    })
    .or_explain(
        "The broker keeps refusing your program, and your program gave up. Keep trying, at least \
         once a second: someone may fix the cause.",
        BACK,
    );
    let (tries, took) = (came() - from, began.elapsed());
    let least = PAUSE * u32::try_from(tries - 1).unwrap_or(u32::MAX);
    check(
        took + Duration::from_millis(20) >= least,
        "a pause of 100 ms before each try",
        format!("{tries} tries within {took:.1?}"),
    )
    .or_explain(
        "The broker keeps refusing your program, and your program is retrying without a pause. A \
         hundred workers that do so can overload a broker that has just come back. Wait at least \
         100 ms before each try.",
        BACK,
    );
    broker.admit();
    subscribes(&broker, 1);
    answers(&broker, "at last", "AT LAST");
}

#[test]
fn it_waits_for_the_last_pong() {
    let (broker, worker) = one();
    let subscription = broker.expect_subscribed(SUBJECT).now();
    let mut gate = Gate::new();
    let text = wait(&gate);
    let slow = broker.request(SUBJECT, &text);
    gate.expect_entered().now();
    worker.signal(Signal::TERM);
    unsubscribes(&broker, &subscription);
    // The PING behind UNSUB, if there is one, has its PONG after this; the one behind the answer has none.
    broker.fence().or_explain(
        "The broker sent PING while your program was working on a request, and got no PONG. A \
         broker can't tell a busy worker from a dead one, so it closes the connection. Keep \
         reading while you work, on another thread.",
        READS_ON,
    );
    broker.ignore_pings();
    gate.release();
    slow.expect(text.to_uppercase()).now();
    appears("PING after the last answer", SOON, || fenced(&broker)).or_explain(NO_PING, DRAIN);
    // However the program leaves, if it does not wait: this long is enough to see most of them go.
    let watch = Instant::now();
    while !worker.has_ended() && watch.elapsed() < GLIMPSE {
        std::thread::sleep(Duration::from_millis(10));
    }
    let got = "the program ended before the PONG";
    check(!worker.has_ended(), "a program that waits for PONG", got).or_explain(
        "Your program sent PING after the last answer, but ended before the PONG arrived. Only \
         the PONG proves that the broker has read the answers, so wait for it.",
        DRAIN,
    );
    // What it logs from now on is about this connection.
    let logged = worker.stderr().len();
    broker.drop_clients();
    let address = broker.address().to_string();
    let says = || worker.stderr()[logged..].contains(&address).then_some(());
    appears("the broker's address on standard error", SOON, says).or_explain(
        "The connection ended before the PONG for the last PING arrived, so the last answers may \
         be lost, and your program didn't report that. Report the end of the connection on \
         standard error, with the broker's address, even after a signal.",
        DRAIN,
    );
}
