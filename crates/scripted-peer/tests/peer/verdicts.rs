//! What a learner reads when a check fails, word by word: each verdict is compared with a file in
//! `golden/`. `GOLDEN=write cargo test -p scripted-peer verdicts` writes them anew.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::common::{tcp, unix, verdict};
use scripted_peer::{
    Listener, Peer, Signal, check, contains, eventually, explain, frame, line, program,
};

const SOON: Duration = Duration::from_millis(300);

/// One test: a check that fails, and the file that holds its verdict.
macro_rules! verdicts {
    ($($name:ident $check:block)*) => {
        $(#[test]
        fn $name() {
            compare(stringify!($name), &verdict(|| $check).expect("this check fails"));
        })*
    };
}

verdicts! {
    a_part_taken_for_the_whole {
        let server = tcp("one-read");
        let mut peer = server.connect();
        // Not all of it: whether the answer is seen after the fifth byte or the sixth is a race.
        peer.drip(&frame("hello")[..5]);
        peer.expect(frame("hello")).or_explain(
            "One read() returned a part of the message. Keep reading until the frame is whole.",
            "04-where-does-a-message-end.html#reading-a-whole-frame",
        );
    }

    an_answer_behind_a_slow_drip {
        let server = tcp("frames");
        let mut peer = server.connect();
        peer.drip_every(Duration::from_millis(20), frame("hi"));
        peer.expect(line("hi"));
    }

    bytes_then_the_end {
        explain("The test's own sentence.", "03-who-hung-up.html#the-end");
        let server = tcp("greets");
        server.connect().expect("hello, world");
    }

    bytes_then_silence {
        let server = unix("frames");
        let mut peer = server.connect();
        peer.patience(SOON).coalesce([frame("one"), frame("two")]);
        peer.expect([frame("one"), frame("two"), frame("three")].concat());
    }

    nothing_but_silence {
        let server = tcp("frames");
        let mut peer = server.connect();
        peer.patience(SOON).send(&frame("hello")[..6]);
        peer.expect(line("hello"));
    }

    a_reset_instead_of_bytes {
        let server = tcp("closes-with-unread");
        let mut peer = server.connect();
        peer.send("hello").expect("hello");
    }

    bytes_instead_of_the_end {
        let server = tcp("greets-and-waits");
        server.connect().expect_end();
    }

    a_reset_instead_of_the_end {
        let server = unix("closes-with-unread");
        let mut peer = server.connect();
        peer.send("hello").expect_end();
    }

    the_end_instead_of_a_reset {
        let server = tcp("greets");
        let mut peer = server.connect();
        peer.expect("hello");
        peer.expect_reset();
    }

    silence_instead_of_any_end {
        let server = tcp("waits");
        server.connect().patience(SOON).expect_gone();
    }

    bytes_instead_of_nothing {
        let server = tcp("greets");
        server.connect().expect_nothing_for(SOON);
    }

    bytes_too_early {
        // It answers before it reads: at the first byte that it has read, the answer is there.
        let server = unix("answers-first");
        let mut peer = server.connect();
        peer.drip(&frame("hello")[..4]);
        peer.expect_nothing_yet();
    }

    two_writes_instead_of_one {
        let server = tcp("two-writes");
        server.connect().expect_in_one_read("headbody");
    }

    an_end_inside_a_frame {
        let server = tcp("bytes");
        let mut peer = server.connect();
        peer.send(&frame("hello")[..6]).half_close();
        peer.next_frame();
    }

    a_program_that_takes_nothing {
        let server = unix("never-reads");
        server.connect().patience(SOON).send(vec![b'x'; 4 << 20]);
    }

    a_refused_connection {
        let door = Listener::refusing();
        Peer::try_connect(door.address()).or_explain("Nobody listens.", "");
    }

    a_connection_instead_of_a_refusal {
        let server = tcp("waits");
        server.expect_refused();
    }

    several_peers {
        let server = tcp("frames");
        let (mut first, mut second) = (server.connect(), server.connect());
        first.send(frame("one"));
        first.expect(frame("one"));
        second.patience(SOON).send(frame("two"));
        second.expect(frame("two"));
    }

    a_long_story {
        let server = tcp("frames");
        let mut peer = server.connect();
        for _ in 0..40 {
            peer.send(frame("hello"));
            peer.expect(frame("hello"));
        }
        peer.send(frame("hello")).expect(frame("jello"));
    }

    a_difference_far_in {
        let server = tcp("bytes");
        let mut peer = server.connect();
        let mut text = vec![b'.'; 3000];
        peer.send(&text);
        text[2000] = b'!';
        peer.expect(text);
    }

    a_program_that_ends_instead_of_listening {
        let _server = program!().arg("exits").listen();
    }

    a_program_that_ends_before_the_check_has_begun {
        explain("A hundred clients came, and the last one was not served.", "");
        let _server = program!().arg("panics").listen();
    }

    a_program_that_ends_without_a_word {
        explain("A hundred clients came, and the last one was not served.", "");
        let _server = program!().arg("exits").listen();
    }

    a_program_that_is_not_where_it_says {
        explain("A hundred clients came, and the last one was not served.", "");
        let server = program!().arg("boasts").listen();
        let _peer = server.connect();
    }

    a_client_that_gives_up {
        let server = Listener::tcp();
        let client = program!().arg("exits").connect_to(server.address());
        client.exits_with(0).stdout("hello\n").or_explain("Print what comes.", "");
    }

    a_start_that_the_check_explains {
        explain("Never shown.", "");
        let server = program!().arg("exits").listen_on("127.0.0.1:0");
        let _server = server.or_explain("Bind the address that you are given.", "");
    }

    a_program_that_panics {
        let _server = program!().arg("panics").listen();
    }

    a_program_that_is_killed {
        let _server = program!().arg("killed").listen();
    }

    a_program_that_says_nothing {
        let _server = program!().arg("hangs").patience(SOON).listen();
    }

    an_exercise_that_is_not_solved {
        explain("Never shown.", "");
        let _server = program!().arg("todo").listen();
    }

    a_client_that_does_not_come {
        let server = Listener::tcp();
        let _client = program!().arg("exits").connect_to(server.address());
        let _peer = server.accept();
    }

    another_exit_code {
        program!().args(["nowhere", "exits"]).start().exits_with(0);
    }

    a_program_that_goes_on {
        let server = program!().arg("waits").patience(SOON).listen();
        server.signal(Signal::CONT).exits_with(0);
    }

    other_output {
        program!().args(["", "copies"]).stdin("one\ntwo\n").start().exits_with(0).stdout("one\n2\n");
    }

    other_bytes {
        let copy = program!().args(["", "copies"]).stdin(b"one\xff\n").start();
        copy.exits_with(0).stdout_bytes(b"one\xfe\n");
    }

    output_without_a_text {
        let copy = program!().args(["", "copies"]).stdin("one\n").start();
        copy.exits_with(0).stdout(contains("three"));
    }

    a_line_that_is_not_printed {
        let mut copy = program!().args(["", "copies"]).typed().patience(SOON).start();
        copy.write_line("one").prints("two");
    }

    a_line_that_is_not_logged {
        program!().args(["", "exits"]).start().logs("why");
    }

    the_last_of_many_programs {
        for _ in 0..12 {
            program!().args(["", "exits"]).start().exits_with(3).now();
        }
        check(false, "pigs to fly", "none did");
    }

    a_check_of_something_else {
        check(false, "mode 0600", "mode 0755").or_explain("Set the umask.", "08-who-may-connect.html");
    }

    something_that_does_not_happen {
        eventually("pigs to fly", || false);
    }
}

fn compare(name: &str, text: &str) {
    let file =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/peer/golden/{name}.txt"));
    let text = normal(text);
    if std::env::var_os("GOLDEN").is_some() {
        return fs::write(file, text).unwrap();
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        text == golden,
        "{} differs; now it is:\n{text}",
        file.display()
    );
}

/// Without what differs from run to run: times, ports, folders, process ids.
fn normal(text: &str) -> String {
    text.lines()
        .map(normal_line)
        .map(|line| line + "\n")
        .collect()
}

fn normal_line(line: &str) -> String {
    const PICTURE: &str = " The same as a picture: ";
    if line.starts_with(PICTURE) {
        // Wherever Cargo's target folder is.
        assert!(line.ends_with("/learn/scripted-peer.html"), "{line}");
        return format!("{PICTURE}target/learn/scripted-peer.html");
    }
    let line = match line.split_once(" ms  ") {
        Some((time, rest)) if time.trim().parse::<f64>().is_ok() => format!("    0.0 ms  {rest}"),
        _ => line.to_owned(),
    };
    let line = replace_digits(&line, "127.0.0.1:", "PORT");
    let line = replace_digits(&line, "thread 'main' (", "ID");
    let line = replace_digits(&line, "main.rs:", "LINE");
    let line = replace_digits(&line, "it read ", "SOME");
    let line = replace_digits(&line, "xx\" …  ", "SOME");
    let folder = std::env::temp_dir().join(format!("peer-{}-", std::process::id()));
    replace_digits(
        &line.replace(folder.to_str().unwrap(), "/tmp/peer-"),
        "/tmp/peer-",
        "N",
    )
}

fn replace_digits(line: &str, before: &str, with: &str) -> String {
    let mut parts = line.split(before);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out = format!(
            "{out}{before}{with}{}",
            part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ',')
        );
    }
    out
}
