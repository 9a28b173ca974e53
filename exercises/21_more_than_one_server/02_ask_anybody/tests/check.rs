//! Does the program tell its own answer from others, `nobody` from silence, and sent from written?

use std::time::{Duration, Instant};

use scripted_peer::{
    Broker, Exit, Message, Operation, Running, Stopwatch, check, contains, eventually, explain,
    program, undisturbed,
};

const INBOX: &str = "21-more-than-one-server.html#an-inbox-for-each-question";
const NOBODY: &str = "21-more-than-one-server.html#nobody-is-an-answer";
const SILENCE: &str = "21-more-than-one-server.html#silence-has-an-end";
const SENT: &str = "21-more-than-one-server.html#sent-before-it-leaves";
const COUNTED: &str = "21-more-than-one-server.html#a-line-and-a-count";

const SUBJECT: &str = "jobs.upper";

/// Far longer than any check.
const HOUR: u32 = 3_600_000;
/// How late a program, or the check, may be on a busy machine and still be judged by the clock.
const LATE: Duration = Duration::from_millis(300);

fn asker(broker: &Broker, within: u32) -> Running {
    program!()
        .typed()
        .args([SUBJECT.to_owned(), within.to_string()])
        .connect_to(broker.address())
}

/// The check receives the requests.
fn listening() -> Broker {
    let broker = Broker::start();
    broker.listen_to(SUBJECT);
    broker
}

/// The program's request, and the subject where it wants the answer.
fn question(broker: &Broker, text: &str) -> (Message, String) {
    let message = broker.expect_message(SUBJECT).or_explain(
        "A line was written to your program's standard input, and no request has arrived. Publish \
         the line to the subject that the second argument names, with a reply subject: `PUB \
         SUBJECT REPLY SIZE`, then the line, each with `\\r\\n` at its end.",
        INBOX,
    );
    let is_this = message.payload == text.as_bytes();
    let got = String::from_utf8_lossy(&message.payload);
    check(is_this, format!("the request {text:?}"), format!("{got:?}")).or_explain(
        "The payload of this request isn't the line that was written. Send the line without its \
         line end, and nothing else.",
        INBOX,
    );
    let reply = message.reply.clone();
    let got = "none";
    check(reply.is_some(), "a reply subject", got).or_explain(
        "This request has no reply subject, so no one can answer it. Give each request a reply \
         subject that your program is subscribed to.",
        INBOX,
    );
    (message, reply.unwrap_or_default())
}

/// The number of the program's last subscription.
fn sid(broker: &Broker) -> String {
    let said = broker.operations();
    let sid = said.into_iter().rev().find_map(|(_, one)| match one {
        Operation::Subscribe { sid, .. } => Some(sid),
        _ => None,
    });
    sid.unwrap_or_default()
}

fn prints(asker: &Running, all: &str, sentence: &str, section: &str) {
    asker.prints(all).or_explain(sentence, section);
}

fn is_all(asker: &mut Running, all: impl AsRef<[u8]>) {
    asker.close_stdin();
    asker.ends().or_explain(
        "Standard input has ended and every request is done, but your program is still running. \
         End with exit code 0.",
        SENT,
    );
    asker.exits_with(0).stdout_bytes(all).now();
}

#[test]
fn the_answer_is_to_this_question() {
    let broker = listening();
    let mut asker = asker(&broker, 400);
    asker.write_line("first");
    let (_, first) = question(&broker, "first");
    prints(
        &asker,
        "no answer\n",
        "Nobody answered within the time that the third argument names, and your program did not \
         print `no answer`. Print it when that time has passed.",
        SILENCE,
    );
    asker.close_stdin();
    drop(asker);

    let mut asker = self::asker(&broker, HOUR);
    let mut other = self::asker(&broker, HOUR);
    asker.write_line("second");
    let (_, second) = question(&broker, "second");
    other.write_line("of another program");
    let (_, others) = question(&broker, "of another program");
    explain(
        "Your program can't tell the answer to this request from an answer that was published to \
         the reply subject of an earlier request, or to another program's reply subject. Use a new \
         reply subject for each request, one that no other program uses, and compare it with the \
         subject of each message that arrives.",
        INBOX,
    );
    let differ = first != second && second != others && first != others;
    let got = format!("{first}, {second}, {others}");
    check(differ, "a different reply subject for each request", got).now();
    broker.publish(&first, "late");
    broker.publish(&others, "the others'");
    broker.publish(&second, "the second's");
    asker.prints("the second's\n").now();
    other.prints("the others'\n").now();
    asker.write_line("third");
    let (_, third) = question(&broker, "third");
    broker.publish(&second, "once more");
    broker.publish(&third, "the third's");
    asker.prints("the third's\n").now();
    is_all(&mut asker, "the second's\nthe third's\n");
}

#[test]
fn what_is_inside_does_not_matter() {
    const COUNT: &str = "Your program did not print this answer correctly. The number in MSG says \
                         how many bytes the answer has. HMSG has two numbers: the size of the \
                         headers, and the size of everything. Print what follows the headers, \
                         whatever it contains, and then a line end.";
    const ENDS: &str = "This answer begins and ends with white space, and your program did not \
                        print it unchanged. The white space is part of the answer. Print every \
                        byte of the payload, as many as MSG says, and then one line end.";
    const BYTES: &str = "This answer is not UTF-8, and your program did not print it unchanged. \
                         Converting it to text fails, or replaces some of its bytes. Write the \
                         bytes to standard output as they arrived.";
    explain(COUNT, COUNTED);
    let broker = listening();
    broker.drip();
    let mut asker = asker(&broker, HOUR);
    let mut all = Vec::new();
    for (headers, payload, sentence) in [
        ("", &b"two\r\nlines\r\n+OK\r\n-ERR 'no'"[..], COUNT),
        ("", b"", COUNT),
        ("NATS/1.0\r\nstatus: 503\r\n\r\n", b"with headers", COUNT),
        ("NATS/1.0\r\na: b\r\n\r\n", b"", COUNT),
        ("", b" \tspaces around it \r\n", ENDS),
        ("", b"no text: \xff\xfe\x00\xc3", BYTES),
    ] {
        asker.write_line("größe");
        let (_, reply) = question(&broker, "größe");
        broker.publish_with_headers(&reply, headers, payload);
        all.extend_from_slice(payload);
        all.push(b'\n');
        prints_bytes(&asker, &all, sentence);
    }
    explain(COUNT, COUNTED);
    broker.whole();
    asker.write_line("");
    let (_, reply) = question(&broker, "");
    broker.leave_soon();
    broker.publish(&reply, "an answer to an empty line");
    all.extend_from_slice(b"an answer to an empty line\n");
    asker.prints("an answer to an empty line\n").now();
    is_all(&mut asker, all);
}

/// This, and nothing else, is what it has printed so far.
fn prints_bytes(asker: &Running, all: &[u8], sentence: &str) {
    let shown = |bytes: &[u8]| format!("\"{}\" on standard output", bytes.escape_ascii());
    let is_there = || asker.has_ended() || asker.stdout_so_far().len() >= all.len();
    eventually(&shown(all), is_there).or_explain(sentence, COUNTED);
    let got = asker.stdout_so_far();
    check(got == all, shown(all), shown(&got)).or_explain(sentence, COUNTED);
}

#[test]
fn nobody_is_said_at_once() {
    explain(
        "Nobody is subscribed to that subject, and your program did not print `nobody` right away, \
         or it mistook an empty answer for that. The broker reports this at once, in a message \
         with the status 503, to a client that sent `\"headers\":true,\"no_responders\":true` in \
         CONNECT. Print `nobody` when the 503 arrives. (A 503 has no body, but an empty answer has \
         none either, so look at the status.)",
        NOBODY,
    );
    let broker = Broker::start();
    let mut asker = asker(&broker, HOUR);
    asker.write_line("is anybody there?");
    asker.prints("nobody\n").now();
    asker.write_line("and now?");
    asker.prints("nobody\nnobody\n").now();
    broker.listen_to(SUBJECT);
    asker.write_line("and now?");
    let (_, reply) = question(&broker, "and now?");
    broker.publish(&reply, "");
    asker.prints("nobody\nnobody\n\n").now();
    is_all(&mut asker, "nobody\nnobody\n\n");
}

#[test]
fn silence_has_an_end() {
    const TIME: &str = "Your program printed `no answer` too early, too late, or not at all. The \
                        third argument is the deadline of a request, in milliseconds, whatever \
                        else the broker sends meanwhile. Don't use it as a timeout for each read \
                        (chapter 11).";
    undisturbed(LATE, || {
        let broker = listening();
        let mut asker = asker(&broker, 600);
        asker.write_line("first");
        question(&broker, "first");
        let (began, watch) = (Instant::now(), Stopwatch::start());
        // The broker keeps sending meanwhile.
        while !asker.stdout().contains("no answer") && began.elapsed() < Duration::from_secs(2) {
            broker.fence().or_explain(
                "The broker sent PING while your program was waiting for an answer, and got no \
                 PONG. Without one, a broker closes the connection. Keep answering PING while you \
                 wait.",
                SILENCE,
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        asker.prints("no answer\n").or_explain(TIME, SILENCE);
        let (took, watched) = (began.elapsed(), watch.elapsed());
        let in_time = took >= Duration::from_millis(540) && watched < Duration::from_millis(1300);
        check(
            in_time,
            "`no answer` after 600 ms",
            format!("after {took:.1?}"),
        )
        .or_explain(TIME, SILENCE);
        explain(
            "The deadline passed in the middle of an answer, and your program lost the part that \
             had already arrived. Keep that part; otherwise the rest of the answer looks like an \
             operation when it arrives (chapter 11).",
            SILENCE,
        );
        asker.write_line("second");
        let (_, second) = question(&broker, "second");
        // Nothing of its own may come in between, not even `+OK`.
        broker.hold();
        broker.say(format!("MSG {second} {} 8\r\nla", sid(&broker)));
        asker.prints("no answer\nno answer\n").now();
        asker.write_line("third");
        let (_, third) = question(&broker, "third");
        // The rest of the late answer, and the other answer.
        broker.say("te one\r\n").release();
        broker.publish(&third, "the third's");
        let all = "no answer\nno answer\nthe third's\n";
        asker.prints(all).now();
        is_all(&mut asker, all);
    });
}

#[test]
fn sent_before_it_leaves() {
    let broker = listening();
    let mut asker = asker(&broker, HOUR);
    for number in 0..20 {
        asker.write_line(&format!("!news {number}"));
    }
    asker.close_stdin();
    for number in 0..20 {
        let message = broker.expect_message(SUBJECT).or_explain(
            "One of the lines that begin with `!` never arrived at the broker. Flush what you \
             write, and don't end before the broker has received it.",
            SENT,
        );
        let wanted = format!("news {number}");
        let got = format!("{:?}", String::from_utf8_lossy(&message.payload));
        let is_this = message.payload == wanted.as_bytes() && message.reply.is_none();
        let expected = format!("{wanted:?}, with no reply subject");
        check(
            is_this,
            expected,
            format!("{got}, reply: {:?}", message.reply),
        )
        .or_explain(
            "A line that begins with `!` must be published without the `!`, and without a reply \
             subject, because your program doesn't wait for an answer to it.",
            SENT,
        );
    }
    asker.exits_with(0).stdout("").now();
    let said = broker.operations();
    let last = |what: fn(&Operation) -> bool| said.iter().rposition(|(_, one)| what(one));
    let publish = last(|one| matches!(one, Operation::Publish(_)));
    let fence = last(|one| matches!(one, Operation::Ping));
    const FENCE: &str = "Your program exited before it knew that the broker had received \
                         everything. Bytes that you have written have not necessarily arrived. \
                         Send PING after everything else, and end when its PONG arrives. If the \
                         connection ends before that, end with exit code 1.";
    let got = "no PING after the last PUB";
    check(fence > publish, "PING after the last message", got).or_explain(FENCE, SENT);

    // The broker goes away before it has sent PONG.
    let mut asker = self::asker(&broker, HOUR);
    broker.expect_connects(2).now();
    broker.hold();
    asker.write_line("!the last").close_stdin();
    broker.expect_message(SUBJECT).now();
    broker.drop_clients();
    let exit = asker.ends().or_explain(FENCE, SENT).exit;
    let got = format!("the program {exit}");
    check(
        exit == Exit::Code(1),
        "the program to end, exit code: 1",
        got,
    )
    .or_explain(FENCE, SENT);
}

#[test]
fn a_refusal_is_told() {
    const TOLD: &str = "The broker sent -ERR with a reason, and your program did not report it \
                        correctly. The broker won't answer any more requests, so print the reason \
                        on standard error, and end with exit code 1. This is neither `nobody` nor \
                        `no answer`.";
    let broker = Broker::start();
    broker.refuse("Authorization Violation");
    let mut asker = asker(&broker, HOUR);
    asker.write_line("hello");
    let ended = asker.exits_with(1).stdout("");
    ended
        .stderr(contains("Authorization Violation"))
        .or_explain(TOLD, SENT);

    let broker = listening();
    let mut asker = self::asker(&broker, HOUR);
    asker.write_line("hello");
    question(&broker, "hello");
    broker.error("Slow Consumer").drop_clients();
    let ended = asker.exits_with(1).stdout("");
    ended
        .stderr(contains("Slow Consumer"))
        .or_explain(TOLD, SENT);

    let broker = listening();
    let mut asker = self::asker(&broker, HOUR);
    asker.write_line("hello");
    question(&broker, "hello");
    broker.drop_clients();
    let address = broker.address().to_string();
    let ended = asker.exits_with(1).stdout("");
    ended.stderr(contains(&address)).or_explain(
        "The connection ended while an answer was due, and your program did not report that. No \
         answer can arrive anymore. Report the end of the connection on standard error, with the \
         broker's address, and end with exit code 1.",
        SENT,
    );

    broker.go_away();
    let asker = self::asker(&broker, HOUR);
    let ended = asker.exits_with(1).stdout("");
    ended.stderr(contains(&address)).or_explain(
        "There is no broker at this address, and your program did not report that correctly. \
         Report it on standard error, with the address, and end with exit code 1.",
        SENT,
    );
}

#[test]
fn too_long_is_not_sent() {
    explain(
        "INFO said `max_payload`: 64, this request is longer, and your program did not print `too \
         long`. Don't send such a request, because the broker would close your connection. Print \
         `too long`, and continue with the next line.",
        COUNTED,
    );
    let broker = Broker::with_max_payload(64);
    broker.listen_to(SUBJECT);
    let mut asker = asker(&broker, HOUR);
    asker.write_line(&"x".repeat(65));
    asker.prints("too long\n").now();
    asker.write_line(&"ŉ".repeat(33));
    asker.prints("too long\ntoo long\n").now();
    let longest = "x".repeat(64);
    asker.write_line(&longest);
    let message = broker.expect_message(SUBJECT).or_explain(
        "INFO said `max_payload`: 64, and this request has exactly 64 bytes without its line end, \
         but your program did not send it. It is not too long, so publish it.",
        COUNTED,
    );
    broker.publish(&message.reply.unwrap_or_default(), "an answer");
    asker.prints("too long\ntoo long\nan answer\n").now();

    const MARKED: &str = "This line has 65 bytes after its `!`, INFO said `max_payload`: 64, and \
                          your program did not print `too long`. The limit applies to every \
                          message, with or without a reply subject. Print `too long`, and don't \
                          send the line.";
    asker.write_line(&format!("!{longest}x"));
    let all = "too long\ntoo long\nan answer\ntoo long\n";
    prints(&asker, all, MARKED, COUNTED);
    asker.write_line(&format!("!{longest}"));
    explain(
        "This line has 64 bytes after its `!`, as many as INFO allows, and your program did not \
         publish them. The `!` is not sent, so it doesn't count. Publish the rest of the line, and \
         print nothing.",
        COUNTED,
    );
    let message = broker.expect_message(SUBJECT).now();
    let got = String::from_utf8_lossy(&message.payload).into_owned();
    check(got == longest, format!("{longest:?}"), format!("{got:?}")).now();
    is_all(&mut asker, all);
}
