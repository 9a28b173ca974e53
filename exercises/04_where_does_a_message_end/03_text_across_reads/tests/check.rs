//! Does the program find lines and characters wherever the reads split them?

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
        "You replied before the line was complete. A line ends with its newline, not with a read: \
         keep reading until the newline arrives.",
        LINES,
    );
    peer.pause(Duration::from_millis(1200));
    let silent = "The client was silent for a second in the middle of a line, and you gave up on \
                  it. Wait for the newline however long it takes: don't set a timeout.";
    peer.expect_nothing_yet().or_explain(silent, LINES);
    peer.send("ld \n")
        .expect(line(" HELLO, WORLD "))
        .or_explain(
            "Your reply to this line is wrong. The newline has arrived, and the line began several \
             reads earlier: reply once, with the whole line, including its spaces.",
            LINES,
        );
    peer.coalesce(["one\n", "\n", "three\n", "fo"]);
    peer.expect("ONE\n\nTHREE\n").or_explain(
        "Several lines arrived in one read, and you didn't reply to all of them. One read may \
         return several lines, including empty ones: reply to every complete line before you read \
         again.",
        LINES,
    );
    peer.send("ur\n").expect(line("FOUR")).or_explain(
        "The first half of this line arrived together with the previous lines, and you lost it. \
         Keep the bytes that follow the last newline.",
        LINES,
    );
    let long = "a line is as long as it is; ".repeat(2500);
    peer.drip_pieces(line(&long).as_slice(), 10_000);
    peer.expect(line(long.to_uppercase())).or_explain(
        "You didn't reply with all of this line in upper case. Perhaps this line is longer than \
         your buffer: let the buffer grow until the newline arrives.",
        LINES,
    );
    // Half a line, which ends with half a character.
    peer.send(b"interrupt\xc3").half_close();
    let sentence = "The previous client left in the middle of a line, and the next client was not \
                    served correctly. Whether you reply to that half line or not, serve the next \
                    client, and discard the previous client's bytes.";
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
                "The line arrived in one piece, but you didn't reply with all of it in upper case. \
                 Convert characters, not bytes: str::to_uppercase() handles é and turns ß into SS; \
                 to_ascii_uppercase() does neither.",
                TEXT,
            );
    }
    for text in texts {
        peer.drip(line(text));
        peer.expect(line(text.to_uppercase())).or_explain(
            "A character arrived in two reads, and your reply is wrong. Neither half of a \
             character is valid text by itself: collect bytes until the line is complete, then \
             decode the whole line.",
            TEXT,
        );
    }
}

#[test]
fn bad_text_is_told_and_survived() {
    let server = program!().listen();
    explain(
        "Your reply to a line of plain letters is wrong. Reply with the same letters in upper \
         case.",
        LINES,
    );
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
            "This line is not UTF-8, and you didn't reply `not text` to it. Send that reply once: \
             don't guess what the line was meant to be, don't wait for more bytes, and don't hang \
             up. Let from_utf8() decide what is UTF-8.",
            TEXT,
        );
        peer.send("better\n").expect("BETTER\n").or_explain(
            "You didn't reply to this line in upper case. The previous line was not text, but this \
             one is, and a bad line must not affect the next line.",
            TEXT,
        );
    }
    peer.coalesce([&b"good\n"[..], b"b\xffd\n", b"\xff\n", b"better\n"]);
    peer.expect("GOOD\nnot text\nnot text\nBETTER\n").or_explain(
        "Four lines arrived in one read, two of them are not text, and your replies are wrong. A \
         bad line must not affect the others: split the bytes into lines first, then decode each \
         line.",
        TEXT,
    );
    let honest = "\u{fffd} is a letter, too";
    peer.send(line(honest))
        .expect(line(honest.to_uppercase()))
        .or_explain(
            "This line is UTF-8, and you didn't reply to it in upper case. It contains U+FFFD, the \
             character that from_utf8_lossy() puts in place of bad bytes, so searching for that \
             character doesn't tell you whether any bytes were bad. from_utf8() does.",
            TEXT,
        );
    peer.send("a\0b\x7f\n").expect("A\0B\x7f\n").or_explain(
        "This line is UTF-8, and you didn't reply to it in upper case. In UTF-8, a NUL is a \
         character like any other, and so are other control characters: let from_utf8() alone \
         decide what is text.",
        TEXT,
    );
    let one = "a\rb\u{b}c\u{85}d\u{2028}e ";
    peer.send(line(one)).expect(line(one.to_uppercase())).or_explain(
        "This is one line, and all of it is text, but you didn't reply with it in upper case. Only \
         `\\n` ends a line. A `\\r` in the middle is a character like any other, and so is U+2028: \
         keep them.",
        TEXT,
    );
    peer.drip(b"\xe2\x82\nfine\n");
    peer.expect("not text\nFINE\n").or_explain(
        "Your replies to these two lines are wrong. The first line is half a character and a \
         newline, so it is not text; the second line is. Reply to each of them.",
        TEXT,
    );
    let mut next = server.connect();
    peer.half_close();
    next.send("next\n").expect(line("NEXT")).or_explain(
        "The previous client sent bad text and left, and the next client was not served. Keep \
         serving after bad text.",
        TEXT,
    );
}
