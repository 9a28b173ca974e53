//! Can the program talk and listen at the same time?

use std::time::Duration;

use scripted_peer::{Exit, Listener, check, explain, program};

const POLITE: &str = "06-how-do-i-say-done.html#deadlock-by-politeness";
const HALF: &str = "06-how-do-i-say-done.html#half-a-close";

const DEADLOCK: &str = "Your program and the server are both writing, and neither of them is \
                        reading. All buffers in both directions are full, so both are stuck. Read \
                        while you write, in a second thread.";

/// More than the buffers of both ends hold, in either direction.
const MUCH: usize = 12 << 20;

#[test]
fn the_end_of_input_is_said() {
    explain(
        "The server didn't receive all of your input and its end. It answers only after the end of \
         the stream, so send everything, and then half-close the connection.",
        HALF,
    );
    let server = Listener::tcp();
    let input = b"one\n\ntwo\r\nno text: \xff, and no newline";
    let client = program!().stdin(input).connect_to(server.address());
    let mut peer = server.accept();
    peer.expect(input).or_explain(
        "Your input didn't reach the server unchanged. The server waits for all of it before it \
         sends anything, so don't wait for an answer. Send all of the bytes, text or not, with \
         nothing added or removed.",
        POLITE,
    );
    peer.expect_end().or_explain(
        "Your input has ended, but the server has no way of knowing that. Half-close the \
         connection with shutdown(Shutdown::Write).",
        HALF,
    );
    // Enough time for a program that doesn't wait for the answer, or only briefly, to end.
    peer.pause(Duration::from_millis(1200));
    peer.send("I count\n").pause(Duration::from_millis(1200));
    peer.send("2 lines\n").half_close();
    client
        .exits_with(0)
        .stdout("I count\n2 lines\n")
        .or_explain(
            "You didn't print the whole answer, or you didn't end with exit code 0. You have sent \
             everything, but the server hasn't: half-close the connection, and print what arrives \
             until the server ends its direction too.",
            HALF,
        );
}

#[test]
fn the_server_may_end_first() {
    let server = Listener::tcp();
    let mut client = program!().typed().connect_to(server.address());
    let mut peer = server.accept();
    peer.send("I have said all.\n").half_close();
    client.prints("I have said all.\n").or_explain(
        "The server sent something before any input was typed, and you didn't print it. Print what \
         the server sends while standard input is still open.",
        POLITE,
    );
    // Time for a client to mistake the server's end of stream for the end of the session, at once
    // or after a moment.
    peer.pause(Duration::from_millis(1200));
    client.write_line("I have not.");
    peer.expect("I have not.\n").or_explain(
        "You stopped sending when the server ended its side. It is still reading, and standard \
         input has not ended, so keep sending your input: a half-close ends only one direction, \
         whichever side does it.",
        HALF,
    );
    client.close_stdin();
    peer.expect_end().or_explain(
        "Your input has ended, and the server didn't get the end of your stream. Call \
         shutdown(Shutdown::Write), even if the server has already ended its side.",
        HALF,
    );
    client.exits_with(0).or_explain(
        "Both directions have ended, and your program didn't end with exit code 0. When both sides \
         have sent everything, there is nothing left to wait for: end the program.",
        HALF,
    );
}

#[test]
fn a_long_conversation_does_not_deadlock() {
    explain(
        "Not all of standard input reached the server, or the end of your stream didn't. When a \
         write accepts only part of the bytes, send the rest. Then call shutdown(Shutdown::Write) \
         to signal that nothing more will follow.",
        POLITE,
    );
    // The answer to the first line is as long as all lines together, and the server doesn't read on
    // before the client has read it.
    let long = "an answer of many lines, and all of them are to be printed\n";
    let long = long.repeat(MUCH / long.len());
    let (first, count) = (long.clone(), MUCH / 64 / 1024);
    let server = Listener::tcp().serve(move |mut peer| {
        // The client's verdict comes first.
        peer.patience(Duration::from_secs(10));
        let lines = peer
            .answer_lines(|line| match line {
                line if line.starts_with("line 0 ") => first.clone().into_bytes(),
                line => format!("{}\n", &line[..line.len().min(10)]).into_bytes(),
            })
            .now();
        let came = format!("{lines} lines, then end of stream");
        check(
            lines == count,
            format!("{count} lines, then end of stream"),
            came,
        )
        .or_explain(
            "Not all of standard input reached the server. When a write accepts only part of the \
             bytes, send the rest, and keep reading in the meantime.",
            POLITE,
        );
    });
    let lines = (0..count).map(|n| format!("line {n:<65530}\n"));
    let client = program!()
        .stdin(lines.collect::<String>())
        .connect_to(server.address());
    let output = client.ends().or_explain(DEADLOCK, POLITE);
    let rest: String = (1..count).map(|n| format!("line {n:<5}\n")).collect();
    let answers = long + &rest;
    let right = output
        .stdout
        .iter()
        .zip(answers.as_bytes())
        .take_while(|(a, b)| a == b)
        .count();
    check(
        output.stdout == answers.as_bytes(),
        format!(
            "all {} bytes of the answers on standard output",
            answers.len()
        ),
        format!(
            "{} bytes, of which the first {right} are correct",
            output.stdout.len()
        ),
    )
    .or_explain(
        "Answers are missing or wrong. Print everything that arrives until the server ends its \
         side and your read returns 0 bytes.",
        POLITE,
    );
    check(
        output.exit == Exit::Code(0),
        "exit code 0",
        format!("it {}", output.exit),
    )
    .or_explain(
        "Both sides have sent and received everything, but your program's exit code isn't 0. \
         Nothing has failed, so end with exit code 0.",
        POLITE,
    );
    server.finish();
}

#[test]
fn every_answer_is_printed_in_order() {
    explain(
        "A person is typing at a keyboard, and your program didn't send each line and print each \
         answer as it arrived. Do both while standard input is still open.",
        POLITE,
    );
    let server = Listener::tcp();
    let mut client = program!().typed().connect_to(server.address());
    let mut peer = server.accept();
    let mut all = String::new();
    for word in ["one", "two", "three"] {
        client.write_line(word);
        peer.expect(format!("{word}\n")).or_explain(
            "A line was typed and did not reach the server: your program is waiting for the \
             server, or for the end of standard input. Send each line as soon as it is typed.",
            POLITE,
        );
        let answer = format!("{word}, first half\n{word}, second half\n");
        peer.send(&answer);
        all += &answer;
        client.prints(&answer).or_explain(
            "The server answered, and the person at the keyboard can't see the answer. Print each \
             answer as soon as it arrives, while standard input is still open.",
            POLITE,
        );
    }
    peer.send("one more thing\n");
    client.prints("one more thing\n").or_explain(
        "The server sent something without being asked, and you didn't print it. Read all the \
         time, not only after you have sent a line.",
        POLITE,
    );
    // A client prints bytes: it doesn't expect text, and doesn't add a newline.
    let last = b"\n\r\n  no text: \xff\0, and no newline \r";
    client.close_stdin();
    // Time for a client to leave too early; a client that waits for the server isn't affected.
    peer.pause(Duration::from_millis(300));
    peer.send(last);
    peer.close();
    let all = [all.as_bytes(), b"one more thing\n", last].concat();
    client.exits_with(0).stdout_bytes(all).or_explain(
        "Your output is not what the server sent, or the exit code is not 0. Print all bytes that \
         the server sends, text or not, unchanged and in order. Then end with exit code 0.",
        POLITE,
    );
}
