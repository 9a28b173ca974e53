//! Is it the tutorial's client, line by line?

use std::time::Duration;

use scripted_peer::{Listener, check, explain, program};

const ASK: &str = "02-which-call-does-what.html#the-client-call-by-call";
const EMPTY: &str = "02-which-call-does-what.html#a-message-of-no-bytes";

const BARE: &str = "The server didn't receive this line as it was typed. Send each line without \
                    the newline at its end, wait for the answer, and keep the connection open for \
                    the next line.";
const ENDS: &str = "The input ended, and your program didn't close the connection and end with \
                    exit code 0. The end of the input is not an empty line: an empty line is one \
                    byte, its newline, but at the end of the input a read returns 0 bytes.";
const SLOW: &str = "The server takes a second to answer, and you didn't wait for it. recv() waits \
                    as long as it has to: don't set a timeout.";
const CLOSED: &str = "The server answered `closed`, and your program didn't print it or didn't end \
                      with exit code 0. `closed` is an answer like any other: print it, and then \
                      end.";

#[test]
fn sends_each_line_bare() {
    explain(BARE, ASK);
    let server = Listener::tcp();
    let input = "hello\nat your service\n  blanks around  \n   \nπ\nthe end";
    let client = program!().stdin(input).connect_to(server.address());
    let mut peer = server.accept();
    peer.expect("hello").now();
    peer.send("accepted").wait_until_read();
    peer.expect("at your service").now();
    peer.expect_nothing_yet().or_explain(
        "You sent a third line before the answer to the second one arrived. Wait for the answer to \
         each line before you read the next line.",
        ASK,
    );
    peer.send("accepted")
        .expect("  blanks around  ")
        .or_explain(
            "You removed more than the newline from this line. Remove only the newline: the spaces \
             at both ends belong to the message.",
            ASK,
        );
    peer.send("accepted").expect("   ").or_explain(
        "You didn't send a line of three spaces. It is a message of three bytes: skip only a line \
         that has no bytes at all.",
        ASK,
    );
    peer.send("accepted").expect("π").now();
    peer.send("accepted").expect("the end").or_explain(
        "You didn't send the last line of the input unchanged. It has no newline, but it is a line \
         too: remove the newline if there is one, and nothing else.",
        ASK,
    );
    peer.send("accepted");
    peer.expect_end().or_explain(ENDS, ASK);
    client.exits_with(0).or_explain(ENDS, ASK);
}

#[test]
fn prints_each_reply() {
    explain(BARE, ASK);
    let server = Listener::tcp();
    let mut client = program!().typed().connect_to(server.address());
    let mut peer = server.accept();
    let mut printed = String::new();
    let long = "an answer of 1,024 bytes, in one piece ".repeat(27);
    for (line, answer) in [
        ("one", "first"),
        ("two", "the second"),
        ("three", &long[..1024]),
        ("four", "accepted"),
    ] {
        client.write_line(line);
        peer.expect(line).or_explain(
            "A line was typed, and you haven't sent it. Send each line right away, before you read \
             the next one.",
            ASK,
        );
        if line == "two" {
            peer.pause(Duration::from_millis(1200));
            peer.expect_nothing_yet().or_explain(SLOW, ASK);
            let early = client.stdout();
            check(
                early == printed,
                format!("{printed:?} so far"),
                format!("{early:?}"),
            )
            .or_explain(SLOW, ASK);
        }
        peer.send(answer);
        printed += &format!("{answer}\n");
        // Only the end, so that the verdict on a long answer is readable.
        let end = &printed[printed.len().saturating_sub(60)..];
        client.prints(end).or_explain(
            "Your program hasn't printed the whole answer. Print each answer exactly as one \
             recv(1024) returns it, followed by a newline, before you read the next line. \
             (Standard output holds back text until a newline.)",
            ASK,
        );
    }
    client.close_stdin();
    peer.expect_end().or_explain(ENDS, ASK);
    client.exits_with(0).stdout(printed).or_explain(ENDS, ASK);

    let server = Listener::tcp();
    let client = program!().stdin("one\ntwo\n").connect_to(server.address());
    let mut peer = server.accept();
    peer.expect("one").now();
    peer.send(b"no text: \xff").expect("two").or_explain(
        "The server's answer was not text, and you didn't send the next line. Print as much of the \
         answer as you can, and continue with the next line: String::from_utf8_lossy() never \
         fails.",
        ASK,
    );
    client.prints("no text: ").or_explain(
        "The server's answer is text except for its last byte, but you printed none of it. Print \
         the part that is text: String::from_utf8_lossy() replaces bad bytes with U+FFFD.",
        ASK,
    );
    peer.send("accepted");
    client.prints("accepted\n").now();
    client.exits_with(0).or_explain(ENDS, ASK);
}

#[test]
fn stops_at_closed() {
    explain(BARE, ASK);
    for (last, input) in [
        ("close", "hello\nclose\nmore\n"),
        ("enough", "hello\nenough\nmore\n"),
    ] {
        let server = Listener::tcp();
        let client = program!().stdin(input).connect_to(server.address());
        let mut peer = server.accept();
        peer.expect("hello").now();
        peer.send("accepted").expect(last).now();
        peer.send("closed");
        peer.expect_end().or_explain(
            "The server answered `closed`, but you didn't close the connection. That answer ends \
             the session, whatever line was typed: send nothing more, and close the connection.",
            ASK,
        );
        let printed = "accepted\nclosed\n";
        client.exits_with(0).stdout(printed).or_explain(CLOSED, ASK);
    }

    let server = Listener::tcp();
    let client = program!()
        .stdin("close\nclosed\nreally\n")
        .connect_to(server.address());
    let mut peer = server.accept();
    peer.expect("close").now();
    for next in ["closed", "really"] {
        peer.send("accepted").expect(next).or_explain(
            "This server answered `accepted`, but you didn't send the next line. Only the answer \
             `closed` ends the session, not a `close` or `closed` that was typed: send each of \
             them like any other line.",
            ASK,
        );
    }
    peer.send("closed");
    let printed = "accepted\naccepted\nclosed\n";
    client.exits_with(0).stdout(printed).or_explain(CLOSED, ASK);

    let server = Listener::tcp();
    let client = program!()
        .stdin("one\ntwo\nthree\nfour\nfive\nclose\n")
        .connect_to(server.address());
    let mut peer = server.accept();
    peer.expect("one").now();
    for (answer, next) in [
        ("not closed yet", "two"),
        ("closed to visitors", "three"),
        ("CLOSED", "four"),
        ("closed\n", "five"),
        ("closed\0", "close"),
    ] {
        peer.send(answer).expect(next).or_explain(
            "This answer only looks like `closed`, but you didn't send the next line. Only an \
             answer of exactly these six bytes ends the session, so keep sending lines.",
            ASK,
        );
    }
    peer.send("closed");
    client.exits_with(0).or_explain(CLOSED, ASK);

    let server = Listener::tcp();
    let mut client = program!().typed().connect_to(server.address());
    client.write_line("close");
    let mut peer = server.accept();
    peer.expect("close").now();
    peer.send("closed");
    client.exits_with(0).or_explain(
        "The server answered `closed`, and you were waiting for another line. Check each answer \
         before you read the next line.",
        ASK,
    );
}

#[test]
fn an_empty_line_does_not_hang() {
    explain(
        "You sent something for an empty line, or you waited for an answer to it. An empty line \
         has no bytes, so nothing would reach the server and no answer would ever arrive. Skip it, \
         and continue with the next line.",
        EMPTY,
    );
    let server = Listener::tcp();
    let input = "\nhello\n\n\nclose\n";
    let client = program!().stdin(input).connect_to(server.address());
    let mut peer = server.accept();
    peer.expect("hello").now();
    peer.send("accepted").expect("close").now();
    peer.send("closed");
    let printed = "accepted\nclosed\n";
    client.exits_with(0).stdout(printed).or_explain(CLOSED, ASK);
}
