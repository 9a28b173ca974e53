//! The picture of a failed check says what its text says, lies where the text says, and can be read by
//! everybody.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::{failed, failed_as, tcp, unix};
use scripted_peer::{
    Broker, Failed, Gate, Listener, NotifySocket, Peer, Program, Signal, check, deadline, folder,
    frame, line, program,
};

const SOON: Duration = Duration::from_millis(300);

/// Checks that fail, each in another way, whose pictures must agree with their texts.
macro_rules! pictures {
    ($($name:ident $check:block)*) => {
        $(#[test]
        fn $name() {
            agree(&failed(|| $check).expect("this check fails"));
        })*
    };
}

pictures! {
    datagrams_with_an_empty_one {
        let server = unix("datagrams-plain");
        let mut peer = server.datagram_peer();
        peer.send("").send("three").expect("ok");
        peer.expect("ok");
        peer.patience(SOON).expect("ok").or_explain("One receive is one message.", "");
    }

    descriptors_beside_bytes {
        let server = unix("files-twice");
        let mut peer = server.connect();
        let file = fs::File::open("/dev/null").unwrap();
        peer.send_with(line("give /dev/null"), [&file, &file]);
        drop(peer.expect_with("+", 1));
    }

    a_supervisor_beside_a_client {
        let mut supervisor = NotifySocket::on_path();
        let server = program!().notifies(&supervisor).arg("notifies").listen();
        supervisor.patience(SOON).expect("READY=1");
        server.connect().send(line("WATCHDOG=1")).expect(line("told"));
        supervisor.expect("STOPPING=1").or_explain("Tell it before you stop.", "");
    }

    a_gate_in_one_edge {
        let server = unix("gated");
        let mut gate = Gate::new();
        let mut peer = server.connect();
        server.in_one_edge(|| peer.send(line(format!("wait {}", gate.path().display()))).send("\n"));
        gate.expect_entered();
        gate.release();
        peer.expect("done\ndone\n");
        peer.patience(SOON).expect("more");
    }

    a_broker_and_its_workers {
        let broker = Broker::start();
        let worker = || program!().arg("worker-alone").connect_to(broker.address());
        let _workers = [worker(), worker()];
        broker.expect_subscribers("work", 2);
        let request = broker.request("work", "hello");
        request.expect("HELLO");
        broker.fence();
        request.expect_answers(1).or_explain("Without a group everybody gets everything.", "");
    }

    a_drip {
        let server = tcp("one-read");
        let mut peer = server.connect();
        peer.drip(&frame("hello")[..5]);
        peer.expect(frame("hello")).or_explain(
            "One read() returned a part of the message. Keep reading until the frame is whole.",
            "04-where-does-a-message-end.html#reading-a-whole-frame",
        );
    }

    a_long_drip {
        let server = tcp("frames");
        let mut peer = server.connect();
        peer.drip(frame("a message of more bytes than have room")).expect(line("yes"));
    }

    an_answer_in_pieces {
        let server = tcp("two-writes");
        let mut peer = server.connect();
        peer.expect("head").now();
        peer.expect("bodies");
    }

    a_drip_by_the_clock {
        let server = tcp("frames");
        let mut peer = server.connect();
        peer.drip_every(Duration::from_millis(40), frame("hi"));
        peer.expect(line("<hi> & \"bye\""));
    }

    an_end_of_stream {
        let server = tcp("bytes");
        let mut peer = server.connect();
        peer.send(&frame("hello")[..6]).half_close();
        peer.next_frame();
    }

    a_reset {
        let server = unix("closes-with-unread");
        let mut peer = server.connect();
        peer.send("hello").expect_end();
    }

    a_refusal {
        let nobody = Listener::refusing();
        Peer::try_connect(nobody.address()).or_explain("Nobody listens.", "");
    }

    a_silence {
        let server = tcp("frames");
        let mut peer = server.connect();
        peer.patience(SOON).send(&frame("hello")[..6]);
        peer.expect(frame("hello"));
    }

    a_deadlock {
        let server = unix("bytes");
        let mut peer = server.connect();
        peer.patience(SOON).stall_reading();
        peer.send(vec![b'x'; 4 << 20]);
    }

    several_peers {
        let server = tcp("frames");
        let (mut first, mut second) = (server.connect(), server.connect());
        let mut third = server.connect();
        first.send(frame("one"));
        first.expect(frame("one"));
        second.patience(SOON).send(frame("two"));
        third.send(frame("three")).pause(Duration::from_millis(50));
        second.expect(frame("two"));
    }

    many_peers {
        let server = tcp("waits");
        let mut peers = server.connect_many(9);
        peers[8].patience(SOON).send("hello").expect("hello");
    }

    a_signal {
        let server = tcp("greets-and-waits");
        let mut peer = server.connect();
        peer.expect("hello");
        server.signal(Signal::TERM).exits_with(0);
    }

    a_flood {
        let server = tcp("never-reads");
        let mut peer = server.connect();
        peer.flood("all work and no play ", 64 << 20);
        peer.patience(SOON).expect("enough");
    }

    a_dialog {
        let mut copy = program!().args(["", "copies"]).typed().patience(SOON).start();
        copy.write_line("one").prints("one").now();
        copy.write_line("two").prints("2");
    }

    a_client {
        let server = Listener::tcp();
        let client = program!().arg("connects").connect_to(server.address());
        let mut peer = server.accept();
        peer.expect("hello\n");
        peer.send("goodbye\n");
        peer.close();
        client.exits_with(3);
    }

    many_programs {
        for _ in 0..12 {
            program!().args(["", "exits"]).start().exits_with(3).now();
        }
        check(false, "pigs to fly", "none did");
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

    a_test_that_takes_too_long {
        deadline(SOON);
        let server = tcp("waits");
        server.connect().expect("hello");
    }
}

/// A row of the timeline: when, who, what.
type Row = [String; 3];

/// The text's timeline, what was expected and what came, and the table of the picture are the same;
/// and both drawings show it.
fn agree(failed: &Failed) {
    let (text, picture) = (&failed.text, &failed.picture);
    let table = table(picture);
    let (said, happened): (Vec<Row>, Vec<Row>) = table
        .into_iter()
        .partition(|[_, who, _]| who.starts_with("program"));
    let [_, expected, got] = happened_in(text);
    let mut of_text = timeline(text);
    of_text.push([String::new(), "expected".to_owned(), expected]);
    of_text.push([String::new(), "got".to_owned(), got]);
    let mut of_table = happened;
    if let Some(last) = of_table.last_mut() {
        last[0] = String::new();
    }
    assert_eq!(of_text, of_table);
    let mut of_table: Vec<String> = said
        .into_iter()
        .map(|[_, who, what]| who + ": " + &what)
        .collect();
    let mut of_text = output(text);
    of_text.sort();
    of_table.sort();
    assert_eq!(of_text, of_table);
    for line in text
        .lines()
        .filter(|line| line.starts_with(" ") && !line.starts_with("  "))
    {
        let is_told = !line.contains("The same as a picture: ") && !is_moment(line);
        assert!(
            !is_told || unescaped(picture).contains(line.trim()),
            "{line}\n{picture}"
        );
    }
    for name in ["wide", "narrow"] {
        drawn(&drawing(picture, name), text);
    }
}

/// Each moment of the timeline stands in the drawing, and the beginning of what happened then.
fn drawn(drawing: &str, text: &str) {
    let [title, expected, got] = happened_in(text);
    assert!(title.is_empty());
    let shown = stripped(&drawing[drawing.find("</desc>").unwrap()..]);
    let whole: String = shown.replace('↑', "").split_whitespace().collect();
    let begins = |words: &str| -> String {
        let words = words.replace("sends ", "").replace("gets ", "");
        words
            .split_whitespace()
            .collect::<String>()
            .chars()
            .take(8)
            .collect()
    };
    for [at, _, what] in timeline(text) {
        assert!(at.is_empty() || shown.contains(&at), "{at} in {shown}");
        // A drip stands byte by byte.
        let pieces: String = begins(&what);
        let is_in_pieces =
            what.contains("at a time") || what.contains("dripping") || what.contains("one every");
        assert!(is_in_pieces || whole.contains(&pieces), "{what} in {shown}");
    }
    for words in [expected, got] {
        assert!(whole.contains(&begins(&words)), "{words} in {shown}");
    }
}

/// The rows of the picture's table.
fn table(picture: &str) -> Vec<Row> {
    let body = between(picture, "<tbody>", "</tbody>");
    let rows = body.split("</tr>").filter(|row| row.contains("<td>"));
    let cell = |row: &str, number: usize| -> String {
        let cell = row.split("<td>").nth(number + 1).unwrap();
        let cell = cell.replace("<mark>", "").replace("</mark>", "");
        spaced(&stripped(&cell))
    };
    rows.map(|row| [cell(row, 0), cell(row, 1), cell(row, 2)])
        .collect()
}

fn is_moment(line: &str) -> bool {
    let time = line.split_once(" ms  ").map(|(time, _)| time.trim());
    time.is_some_and(|time| time.parse::<f64>().is_ok())
}

/// The rows of the text's timeline, in the words of the table.
fn timeline(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in text.lines() {
        if let Some(fold) = line
            .trim()
            .strip_suffix(" more …")
            .filter(|_| line.starts_with("          "))
        {
            rows.push([String::new(), String::new(), format!("{fold} more …")]);
        }
        if !is_moment(line) {
            continue;
        }
        let (time, rest) = line.split_once(" ms  ").unwrap();
        let (who, what) = who_and_what(rest);
        rows.push([format!("{} ms", time.trim()), who, spaced(&what)]);
    }
    rows
}

fn who_and_what(rest: &str) -> (String, String) {
    for (sign, verb) in [(" -> ", "sends "), (" <- ", "gets "), ("  ", "")] {
        if let Some((who, what)) = rest.split_once(sign)
            && who.starts_with("peer")
            && who.len() < 8
        {
            return (who.to_owned(), format!("{verb}{what}"));
        }
    }
    ("check".to_owned(), rest.to_owned())
}

/// Nothing, what was expected, and what came with the mark's remark.
fn happened_in(text: &str) -> [String; 3] {
    let mut lines = text
        .lines()
        .skip_while(|line| !line.starts_with("           expected   "));
    let mut next = |name: &str| {
        let line = lines.next().unwrap();
        line.trim_start().strip_prefix(name).unwrap().to_owned()
    };
    let (expected, got) = (next("expected "), next("got "));
    let mark = lines
        .next()
        .filter(|line| line.trim_start().starts_with('^'));
    let note = mark.map_or("", |line| line.trim().trim_start_matches('^'));
    [
        String::new(),
        spaced(&expected),
        spaced(&format!("{got} {note}")),
    ]
}

/// What the programs printed and how they ended, as the table says it.
fn output(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let Some(rest) = line
            .strip_prefix("   program")
            .filter(|_| !line.starts_with("    "))
        else {
            continue;
        };
        let (number, what) = match rest.split_once(": ") {
            Some((number, fold)) if fold.starts_with('…') => (number, fold.to_owned()),
            Some((number, words)) if words.starts_with('"') => (number, format!("prints {words}")),
            _ => {
                let rest = rest.trim_start();
                let digits =
                    rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                let (number, what) = rest.split_at(digits);
                lines.push(spaced(&format!("program {number}")) + ": " + &spaced(what));
                continue;
            }
        };
        lines.push(spaced(&format!("program{number}")) + ": " + &spaced(&what));
    }
    lines
}

/// Without parentheses, which only the table puts around remarks, and with single spaces.
fn spaced(text: &str) -> String {
    let text = text.replace(['(', ')'], "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn drawing(picture: &str, name: &str) -> String {
    between(picture, &format!("<svg class=\"{name}\""), "</svg>").to_owned()
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(begin).unwrap();
    rest.split_once(end).unwrap().0
}

/// Without tags, each a space.
fn stripped(html: &str) -> String {
    let parts = html
        .split('<')
        .enumerate()
        .map(|(index, part)| match index {
            0 => part,
            _ => part.split_once('>').map_or("", |(_, text)| text),
        });
    unescaped(&parts.collect::<Vec<_>>().join(" "))
}

fn unescaped(html: &str) -> String {
    html.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// The file that the text names.
fn file(text: &str) -> Option<PathBuf> {
    let last = text.lines().last()?;
    let name = last.strip_prefix(" The same as a picture: ")?;
    Some(root().join(name))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

#[test]
fn several_checks_that_fail_at_once_are_in_one_whole_file() {
    let fail = |number: usize| move || check(false, format!("sign {number}"), "none").now();
    let threads: Vec<_> = (0..8)
        .map(|number| std::thread::spawn(move || failed(fail(number)).unwrap().text))
        .collect();
    let texts: Vec<String> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    let page = fs::read_to_string(file(&texts[0]).unwrap()).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for number in 0..8 {
        assert!(
            page.contains(&format!("<code>sign {number}</code>")),
            "{number}"
        );
    }
}

/// The check `kind` of the fixture, by a copy of it in a folder without Cargo's mark, or with it.
fn elsewhere(mark: Option<&str>) -> (scripted_peer::Folder, Program) {
    let folder = folder();
    let copy = folder.join("program");
    // By a process of its own: a program that another test starts meanwhile would inherit our descriptor
    // of the copy, and what is open for writing can't be run (ETXTBSY).
    let mut cp = std::process::Command::new("cp");
    cp.arg(env!("CARGO_BIN_EXE_scripted-peer")).arg(&copy);
    assert!(cp.status().unwrap().success());
    if let Some(mark) = mark {
        fs::write(folder.join(mark), "").unwrap();
    }
    (folder, Program::new(copy).args(["fails", "checks"]))
}

#[test]
fn a_picture_that_cannot_be_written_is_not_spoken_of() {
    let (_folder, check) = elsewhere(None);
    let text = String::from_utf8(check.start().exits_with(101).now().stderr).unwrap();
    assert!(
        text.contains("pigs to fly") && !text.contains("picture"),
        "{text}"
    );
    let (folder, check) = elsewhere(Some("CACHEDIR.TAG"));
    fs::write(folder.join("learn"), "a file").unwrap();
    let text = String::from_utf8(check.start().exits_with(101).now().stderr).unwrap();
    assert!(
        text.contains("pigs to fly") && !text.contains("picture"),
        "{text}"
    );
}

#[test]
fn an_exercise_has_its_picture_by_its_number_until_it_passes() {
    let (folder, check) = elsewhere(Some("CACHEDIR.TAG"));
    let check = check.env("CARGO_PKG_NAME", "ex-04-01");
    let text = String::from_utf8(check.start().exits_with(101).now().stderr).unwrap();
    let picture = folder.join("learn/04-01.html");
    let last = format!(" The same as a picture: {}", picture.display());
    assert!(text.lines().any(|line| line == last), "{text}");
    let page = fs::read_to_string(&picture).unwrap();
    assert!(page.contains("<title>Exercise 04-01: a check failed</title>"));
    let left: Vec<_> = fs::read_dir(folder.join("learn")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let passes = Program::new(folder.join("program"))
        .args(["path", "checks"])
        .env("CARGO_PKG_NAME", "ex-04-01");
    passes.start().exits_with(0).now();
    assert!(!picture.exists());
}

/// The figures of the book are pictures of real runs. `GOLDEN=write cargo test -p scripted-peer
/// figure` draws them anew.
#[test]
fn the_figure_of_chapter_4_is_what_is_drawn_now() {
    let failed = failed_as("a_message_may_arrive_in_pieces", || {
        let server = tcp("one-read");
        let mut peer = server.connect();
        peer.drip(&frame("hello")[..5]);
        peer.expect(frame("hello"));
    });
    figure("one-read", &failed.unwrap());
}

fn figure(name: &str, failed: &Failed) {
    let drawing = drawing(&failed.picture, "narrow");
    let id = between(&drawing, "aria-labelledby=\"", "-title").to_owned();
    let drawing = format!("<svg{}</svg>\n", drawing.replace(&id, name));
    let file = root().join(format!("docs/src/figures/{name}.svg"));
    if std::env::var_os("GOLDEN").is_some() {
        return fs::write(file, drawing).unwrap();
    }
    let figure = fs::read_to_string(&file).unwrap_or_default();
    let now = words(&drawing);
    assert!(now == words(&figure), "{} differs: {now:?}", file.display());
}

/// What stands in a drawing, in any order, but for times and ports.
fn words(drawing: &str) -> Vec<String> {
    let texts = drawing.split("<text ").skip(1).map(|text| {
        let text = stripped(&text[text.find('>').unwrap()..text.find("</text>").unwrap()]);
        spaced(text.trim_start_matches('>'))
    });
    let is_time = |text: &String| {
        let mut words = text.split(' ');
        let number = words.next().is_some_and(|word| word.parse::<f64>().is_ok());
        number && matches!(words.next(), Some("ms" | "s"))
    };
    let port = |text: String| match text.split_once("127.0.0.1:") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}PORT{after}")
        }
        None => text,
    };
    let mut words: Vec<String> = texts.filter(|text| !is_time(text)).map(port).collect();
    words.sort();
    words
}
