//! Does the program find lines and letters where the reads cut anywhere?

use std::time::Duration;

use scripted_peer::{Peer, explain, line, program};

const TEXT: &str = "04-where-does-a-message-end.html#text-is-made-of-messages-too";
const LINES: &str = "04-where-does-a-message-end.html#a-delimiter";

#[test]
fn lines_not_reads() {
    let server = program!().listen();
    let mut peer = server.connect();
    peer.drip(" hello, wor");
    peer.expect_nothing_yet().or_explain(
        "You answered before the line was whole. A line ends with its newline, not with a read.",
        LINES,
    );
    peer.pause(Duration::from_millis(1200));
    let silent = "The client was silent for a second in the middle of a line, and you gave up on \
                  it. A line ends with its newline, however long that takes: set no timeout.";
    peer.expect_nothing_yet().or_explain(silent, LINES);
    peer.send("ld \n").expect(line(" HELLO, WORLD ")).or_explain(
        "The newline has come, and the line began some reads before it. Answer all of it, once, \
         with its spaces.",
        LINES,
    );
    peer.coalesce(["one\n", "\n", "three\n", "fo"]);
    peer.expect("ONE\n\nTHREE\n").or_explain(
        "One read may hold several lines, empty ones too. Answer all that are whole before you read \
         again.",
        LINES,
    );
    peer.send("ur\n").expect(line("FOUR")).or_explain(
        "The first half of this line came together with the lines before. Keep what follows the \
         last newline.",
        LINES,
    );
    let long = "a line is as long as it is; ".repeat(2500);
    peer.drip_pieces(line(&long).as_slice(), 10_000);
    peer.expect(line(long.to_uppercase())).or_explain(
        "This line is longer than your buffer. Let the buffer grow until the newline comes.",
        LINES,
    );
    // Half a line, which ends with half a letter.
    peer.send(b"interrupt\xc3").half_close();
    let sentence = "The previous client left in the middle of a line. Whether you answer that line \
                    or not, serve the next client, and keep none of the old bytes for it.";
    let mut next = Peer::try_connect(server.address()).or_explain(sentence, LINES);
    next.send("next\n")
        .expect(line("NEXT"))
        .or_explain(sentence, LINES);
}

#[test]
fn a_letter_may_arrive_in_halves() {
    let server = program!().listen();
    let mut peer = server.connect();
    let texts = ["aé€😀", "née à 20 €, straße"];
    for text in texts {
        peer.send(line(text))
            .expect(line(text.to_uppercase()))
            .or_explain(
                "The whole line came in one piece. Upper case applies to letters, not to bytes: \
                 str::to_uppercase() knows é, and that ß becomes SS; to_ascii_uppercase() does \
                 not.",
                TEXT,
            );
    }
    for text in texts {
        peer.drip(line(text));
        peer.expect(line(text.to_uppercase())).or_explain(
            "A letter came in two reads, and neither half is text. Collect bytes until the line is \
             whole, and decode the line.",
            TEXT,
        );
    }
}

#[test]
fn bad_text_is_told_and_survived() {
    let server = program!().listen();
    explain("A line of plain letters is answered in upper case.", LINES);
    let mut peer = server.connect();
    for bad in [
        &b"b\xffd\n"[..],
        b"half a letter \xe2\x82\n",
        b"\xac and its other half\n",
        b"one byte too many: \xc0\xaf\n",
        b"half of a UTF-16 pair: \xed\xa0\xbd\n",
        b"beyond the last: \xf4\x90\x80\x80\n",
    ] {
        peer.send("good\n").expect("GOOD\n").now();
        peer.send(bad).expect("not text\n").or_explain(
            "Answer a line that is not UTF-8 with `not text`, once. Don't guess at what it meant, \
             don't wait for more, and don't hang up: from_utf8() decides.",
            TEXT,
        );
        peer.send("better\n").expect("BETTER\n").or_explain(
            "The line before this one was not text. This one is: answer it.",
            TEXT,
        );
    }
    peer.coalesce([&b"good\n"[..], b"b\xffd\n", b"\xff\n", b"better\n"]);
    peer.expect("GOOD\nnot text\nnot text\nBETTER\n").or_explain(
        "Four lines came in one read, two of them bad. Each line is judged by itself: split first, \
         then decode.",
        TEXT,
    );
    let honest = "\u{fffd} is a letter, too";
    peer.send(line(honest)).expect(line(honest.to_uppercase())).or_explain(
        "This line is UTF-8: it holds U+FFFD, the letter that from_utf8_lossy() puts where bytes \
         are bad. If you look for that letter, you can't tell the two apart: from_utf8() can.",
        TEXT,
    );
    peer.send("a\0b\x7f\n").expect("A\0B\x7f\n").or_explain(
        "This line is UTF-8: a NUL is a character like any other there, and so are other invisible \
         characters. Let from_utf8() decide, and nothing else.",
        TEXT,
    );
    let one = "a\rb\u{b}c\u{85}d\u{2028}e ";
    peer.send(line(one)).expect(line(one.to_uppercase())).or_explain(
        "This is one line, and all of it is text. Only `\\n` ends a line: a `\\r` in its middle, or \
         U+2028, is a character like any other. Leave everything in its place.",
        TEXT,
    );
    peer.drip(b"\xe2\x82\nfine\n");
    peer.expect("not text\nFINE\n").or_explain(
        "Half a letter, then a newline: that line is not text, and the next one is.",
        TEXT,
    );
    let mut next = server.connect();
    peer.half_close();
    next.send("next\n").expect(line("NEXT")).or_explain(
        "The previous client sent bad text and left. That is not a reason to stop serving.",
        TEXT,
    );
}
