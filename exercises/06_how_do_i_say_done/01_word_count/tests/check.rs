//! Does the program tell the end of the input from the end of the connection?

use std::time::Duration;

use scripted_peer::{Ending, Peer, Received, check, explain, program};

const HALF: &str = "06-how-do-i-say-done.html#half-a-close";
const RESET: &str = "06-how-do-i-say-done.html#a-reset-says-something-else";

#[test]
fn answers_after_half_close() {
    explain(
        "You didn't send the counts after a client had half-closed. A client that half-closes \
         sends nothing more, but it is still reading: reply with the counts.",
        HALF,
    );
    let server = program!().listen();
    for (head, tail, counts) in [
        ("one two\n", "three\nfour five\n", "3 5 24\n"),
        ("", "", "0 0 0\n"),
        ("no ", "newline", "0 2 10\n"),
        ("\n\n  \t ", "wide   apart \r\n", "3 2 21\n"),
    ] {
        let mut peer = server.connect();
        // In two reads: the first one doesn't end the input.
        peer.send(head).wait_until_read();
        peer.send(tail).half_close();
        answered(&mut peer, counts);
    }
    let mut peer = server.connect();
    peer.send("né à 20 €\n").half_close();
    let got = peer.next_line().unwrap_or_default();
    check(
        got == "1 4 14",
        "\"1 4 14\", for \"né à 20 €\\n\"",
        format!("{got:?}"),
    )
    .or_explain(
        "You counted characters instead of bytes. In UTF-8, é takes two bytes and € takes three.",
        HALF,
    );
    let mut peer = server.connect();
    peer.send(b"\x04\0\xff no text\n").half_close();
    let got = peer.next_line().unwrap_or_default();
    check(
        got == "1 3 12",
        "\"1 3 12\", for bytes that are not UTF-8",
        format!("{got:?}"),
    )
    .or_explain(
        "This client sent bytes that are not UTF-8, and the counts are wrong. Work on the raw \
         bytes, whether or not they are text: count them, and decode nothing.",
        HALF,
    );
    let mut peer = server.connect();
    peer.send("no\u{a0}break\u{2003}here\n").half_close();
    let got = peer.next_line().unwrap_or_default();
    check(
        got == "1 1 17",
        "\"1 1 17\", for \"no\\u{a0}break\\u{2003}here\\n\"",
        format!("{got:?}"),
    )
    .or_explain(
        "This text contains spaces that are not ASCII, and the counts are wrong. Only ASCII white \
         space separates words. split_whitespace() also splits at other Unicode white space, so \
         check each byte with is_ascii_whitespace() instead.",
        HALF,
    );
    let mut peer = server.connect();
    peer.send("form\x0cfeed, vertical\x0btab, unit\x1fend\n")
        .half_close();
    let got = peer.next_line().unwrap_or_default();
    check(
        got == "1 4 34",
        "\"1 4 34\", for \"form\\x0cfeed, vertical\\x0btab, unit\\x1fend\\n\"",
        format!("{got:?}"),
    )
    .or_explain(
        "This text contains control characters, and the counts are wrong. White space is what \
         is_ascii_whitespace() accepts: space, tab, newline, form feed and carriage return. A \
         vertical tab doesn't separate words, and neither does any other control character.",
        HALF,
    );
}

#[test]
fn silence_is_not_the_end() {
    explain(
        "A client paused for a second in the middle of its input, and you didn't count all of the \
         input. Wait for the rest, however long the pause is.",
        HALF,
    );
    let server = program!().listen();
    let mut peer = server.connect();
    peer.send("a client ").pause(Duration::from_millis(1200));
    peer.expect_nothing_yet().or_explain(
        "The client was silent for a second, and you treated the silence as the end of its input. \
         However long a client is silent, its input ends only when read() returns 0.",
        HALF,
    );
    peer.send("that thinks\n").half_close();
    answered(&mut peer, "1 4 21\n");
}

/// Which of the three counts is wrong, if only one of them is.
fn only_one_is_off(got: &str, counts: &str) -> Option<usize> {
    let (got, counts) = [got, counts]
        .map(|text| text.split_whitespace().collect::<Vec<_>>())
        .into();
    if got.len() != counts.len() {
        return None;
    }
    let mut off = (0..got.len()).filter(|number| got[*number] != counts[*number]);
    let first = off.next();
    first.filter(|_| off.next().is_none())
}

/// The counts arrive, then the end of the connection.
fn answered(peer: &mut Peer, counts: &str) {
    let mut got = Vec::new();
    let ending = loop {
        match peer.receive() {
            Received::Bytes(bytes) => got.extend(bytes),
            Received::Ended(ending) => break ending,
        }
    };
    let got = String::from_utf8_lossy(&got).into_owned();
    let sentence = match (got.as_str(), ending) {
        (same, Ending::End) if same == counts => return,
        (same, _) if same == counts => {
            "You have counted and replied, but the connection is still open, and the client is \
             waiting for its end. Close the connection after the reply."
        }
        (same, _) if same.split_whitespace().eq(counts.split_whitespace()) => {
            "The counts are right, but the format isn't. Reply with one line: the counts separated \
             by single spaces, and a newline at the end."
        }
        ("", Ending::Silence) => {
            "The client half-closed, and you didn't reply. After a half-close, read() returns 0, \
             and it does so every time you call it again. Reply as soon as read() returns 0."
        }
        ("", Ending::End) => {
            "You closed the connection without replying. A read of 0 bytes ends only the client's \
             direction: the client is still reading. Reply before you close."
        }
        ("", _) => {
            "The connection was reset before a reply arrived. Closing a socket that still holds \
             unread bytes resets its connection, so read everything that the client sends before \
             you reply and close."
        }
        (other, _) if only_one_is_off(other, counts) == Some(0) => {
            "Words and bytes are right, but the number of lines is wrong. Count newlines: the \
             bytes after the last newline are not a line."
        }
        (other, _) if only_one_is_off(other, counts) == Some(1) => {
            "Lines and bytes are right, but the number of words is wrong. A word is a run of bytes \
             that are not white space. It ends at white space or at the end of the input, not at \
             the end of a read."
        }
        _ => {
            "The counts don't match what this client sent. Count all of its input and nothing \
             else. Its input ends when read() returns 0, not before."
        }
    };
    let expected = format!("{counts:?}, then end of stream");
    check(false, expected, format!("{got:?}, then {ending}")).or_explain(sentence, HALF);
}

#[test]
fn a_word_may_arrive_in_pieces() {
    explain(
        "A client's input arrived one byte at a time, and it didn't get the counts. Count the \
         bytes in whatever pieces they arrive, until the input ends. Then reply with one line that \
         ends with a newline.",
        HALF,
    );
    let server = program!().listen();
    let mut peer = server.connect();
    peer.drip("first second\nthird\n").half_close();
    let got = peer.next_line().unwrap_or_default();
    let numbers: Vec<&str> = got.split_whitespace().collect();
    check(
        numbers == ["2", "3", "19"],
        "\"2 3 19\", for \"first second\\nthird\\n\"",
        format!("{got:?}"),
    )
    .or_explain(
        "The counts are wrong when each byte arrives in a separate read. A word may begin in one \
         read and continue in the next, so keep two things from one read to the next: the counts \
         so far, and whether you are inside a word.",
        HALF,
    );
}

#[test]
fn six_megabytes_are_counted() {
    explain(
        "A client sent six megabytes, and you stopped reading before the end. Keep reading until \
         read() returns 0.",
        HALF,
    );
    let server = program!().listen();
    let mut peer = server.connect();
    let line = "six megabytes, and no buffer is as large as that\n";
    let lines = 6_000_000 / line.len();
    // Six million bytes take an unoptimized program a while, on a busy machine.
    peer.patience(Duration::from_secs(8));
    peer.send(line.repeat(lines)).half_close();
    let words = lines * line.split_whitespace().count();
    let counts = format!("{lines} {words} {}\n", lines * line.len());
    answered(&mut peer, &counts);
}

#[test]
fn a_reset_is_not_a_half_close() {
    explain(
        "A client reset its connection, and the next client was not served. When read() or write() \
         fails, only that client is affected: return the error from `serve`, and `main` serves the \
         next client.",
        RESET,
    );
    let server = program!().listen();
    let mut peer = server.connect();
    peer.send("one two three").wait_until_read();
    peer.reset();
    let mut next = server.connect();
    next.send("the next one\n").half_close();
    // The line may arrive in pieces.
    let mut reply = Vec::new();
    let ending = loop {
        match next.receive() {
            Received::Bytes(bytes) => reply.extend(bytes),
            Received::Ended(ending) => break Some(ending),
        }
        if reply.ends_with(b"\n") {
            break None;
        }
    };
    match ending {
        Some(ending) if reply.is_empty() => {
            check(false, "the counts of the next client", ending.to_string()).now();
        }
        // What the reply says is judged elsewhere too; what matters here is that there is one.
        _ => check(
            reply == b"1 3 13\n",
            "\"1 3 13\\n\", for the client that finished",
            format!("{:?}", String::from_utf8_lossy(&reply)),
        )
        .or_explain(
            "A client reset its connection, and the next client got the wrong reply. Start \
             counting from zero for each client, and reply with one line that ends with a newline.",
            HALF,
        ),
    }
    next.expect_end().or_explain(
        "You have counted and replied, but the connection is still open, and the client is waiting \
         for its end. Close the connection after the reply.",
        HALF,
    );
    server.prints("counted 1 3 13\n").or_explain(
        "This client ended its input and got its counts, but `counted 1 3 13` was not printed. \
         Return the counts from `serve`, and `main` prints them.",
        HALF,
    );
    // What the program prints of one client, it prints before it serves the next.
    let mut last = server.connect();
    last.send("the last\n").half_close();
    last.expect("1 2 9\n").now();
    server.prints("counted 1 2 9\n").now();
    let out = server.stdout();
    let counted: Vec<&str> = out
        .lines()
        .filter(|line| line.starts_with("counted"))
        .take_while(|line| *line != "counted 1 2 9")
        .collect();
    check(
        counted != ["counted 1 3 13"; 2],
        "one line for the client that finished",
        format!("{counted:?}"),
    )
    .or_explain(
        "One client was counted, and its counts were printed twice. `main` prints the counts that \
         `serve` returns, so print nothing in `serve`.",
        HALF,
    );
    check(
        counted == ["counted 1 3 13"],
        "one client counted, the one that finished",
        format!("{counted:?}"),
    )
    .or_explain(
        "You counted a client that never finished: it reset the connection in the middle of its \
         input. The input ends only when read() returns 0. After a reset, read() returns an error: \
         return that error from `serve`.",
        RESET,
    );
    server.logs("a client:").or_explain(
        "A client reset its connection, and your program did not report the error. Return the \
         error from `serve`, and `main` prints it.",
        RESET,
    );
}
