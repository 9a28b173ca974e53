//! The console sessions of the book go as they are printed: commands are run, what they print is
//! compared.
//!
//! `BOOK_ONLY=03-who` takes only the sessions whose `file:line` contains that;
//! `UPDATE_TRANSCRIPTS=1` writes what was printed into the pages and transcripts instead.

mod compare;
mod engine;
mod room;
mod script;
mod terminal;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use book::markdown::{Block, Page};
use script::Script;

/// How long a step of a session may take; programs are built before it is counted.
const LIMIT: Duration = Duration::from_secs(20);

/// A session of the book: where it stands, and what it needs.
struct Session {
    place: String,
    /// The file whose text it is: the page, or the transcript that the page includes.
    file: PathBuf,
    info: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

fn sessions() -> Vec<Session> {
    let src = root().join("docs/src");
    let mut pages: Vec<_> = fs::read_dir(&src)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    let mut sessions = Vec::new();
    for path in pages {
        let page = Page::read(&path).unwrap();
        let consoles = page
            .blocks
            .iter()
            .filter(|block| block.language() == "console");
        sessions.extend(consoles.map(|block| session(&src, &page, block)));
    }
    sessions
}

fn session(src: &Path, page: &Page, block: &Block) -> Session {
    let included = block
        .text
        .trim()
        .strip_prefix("{{#include ")
        .and_then(|s| s.strip_suffix("}}"));
    let file = included.map_or_else(|| page.path.clone(), |name| src.join(name.trim()));
    let text = if included.is_some() {
        fs::read_to_string(&file).unwrap()
    } else {
        block.text.clone()
    };
    let place = format!("docs/src/{}.md:{}", page.stem(), block.line);
    Session {
        place,
        file,
        info: block.info.clone(),
        text,
    }
}

impl Session {
    /// Why it is not run on this machine.
    fn left_out(&self) -> Option<String> {
        let words: Vec<_> = self.info.split(',').map(str::trim).skip(1).collect();
        for word in words {
            if let Some(programs) = word.strip_prefix("needs=") {
                let missing: Vec<_> = programs
                    .split('+')
                    .filter(|name| !room::has(name))
                    .collect();
                if !missing.is_empty() {
                    let why = format!("{} is not installed here", missing.join(", "));
                    assert!(std::env::var("CI").is_err(), "{}: {why}", self.place);
                    return Some(why);
                }
            } else if word.starts_with("in=") {
            } else if matches!(word, "macos" | "windows") {
                if word != std::env::consts::OS {
                    return Some(format!("it is for {word}"));
                }
            } else {
                panic!("{}: “{word}” means nothing to a session", self.place);
            }
        }
        None
    }

    /// `console,in=PACKAGE` is in that package's folder, as its reader is.
    fn package(&self) -> Option<String> {
        let mut words = self.info.split(',').map(str::trim);
        words.find_map(|word| word.strip_prefix("in=").map(str::to_owned))
    }

    fn update(&self, new: &str) {
        let text = fs::read_to_string(&self.file).unwrap();
        assert!(
            text.contains(&self.text),
            "{}: move the session out of its quote",
            self.place
        );
        fs::write(&self.file, text.replacen(&self.text, new, 1)).unwrap();
    }
}

#[test]
fn every_session_of_the_book_goes_as_printed() {
    let only = std::env::var("BOOK_ONLY").unwrap_or_default();
    let update = std::env::var_os("UPDATE_TRANSCRIPTS").is_some();
    let mut failures = Vec::new();
    let mut ran = 0;
    for session in sessions()
        .iter()
        .filter(|session| session.place.contains(&only))
    {
        if let Some(why) = session.left_out() {
            eprintln!("{}: not run: {why}", session.place);
            continue;
        }
        ran += 1;
        let outcome = Script::parse(&session.text)
            .map(|script| Script {
                package: session.package(),
                ..script
            })
            .and_then(|script| engine::run(&script, root(), LIMIT, update));
        match outcome {
            Ok(new) if update => session.update(&new),
            Ok(_) => {}
            Err(why) => failures.push(format!("{}: {why}", session.place)),
        }
    }
    eprintln!("{ran} sessions ran");
    assert!(failures.is_empty(), "\n\n{}\n", failures.join("\n\n"));
}

/// Runs a session that stands here rather than in the book.
fn play(text: &str) -> Result<String, String> {
    engine::run(&Script::parse(text)?, root(), LIMIT, false)
}

#[track_caller]
fn fails(text: &str, why: &str) {
    let script = Script::parse(text);
    let outcome = script.and_then(|script| engine::run(&script, root(), LIMIT / 10, false));
    let failure = outcome.expect_err("this session is wrong");
    assert!(failure.contains(why), "“{why}” is not in: {failure}");
}

#[test]
fn a_session_that_goes_as_printed_passes() {
    play("$ echo one; echo two >&2\none\ntwo\n$ printf three\nthree\n").unwrap();
}

#[test]
fn what_was_not_printed_fails() {
    fails("$ echo one\ntwo\n", "after `echo one`");
    fails("$ echo one\n", "after `echo one`");
    fails("$ true\none\n", "after `true`");
}

#[test]
fn an_unknown_program_fails_whatever_was_expected() {
    fails(
        "$ no-such-program 2>&1 | cat\n",
        "no-such-program is not installed",
    );
    fails(
        "$ no-such-program; echo done\ndone\n",
        "no-such-program is not installed",
    );
    fails("$ cargo run -p no-such-package\n...\n", "no-such-package");
}

#[test]
fn a_shell_keeps_its_state_within_a_session() {
    play("$ X=1; mkdir a; cd a\n$ echo $X; basename $PWD; false\n1\na\n$ echo $?\n1\n").unwrap();
}

#[test]
fn commands_go_on_over_lines() {
    play("$ echo one \\\n> two\none two\n").unwrap();
}

#[test]
fn a_server_in_the_background_is_waited_for_and_ended() {
    let server = "import socket; s = socket.create_server(('127.0.0.1', 7878)); print('ready', flush=True); \
                  c, a = s.accept(); c.send(b'hello'); c.close(); s.accept()";
    let client = "import socket; print(socket.create_connection(('127.0.0.1', 7878)).recv(9))";
    let text = format!("$ python3 -c \"{server}\" &\nready\n$ python3 -c \"{client}\"\nb'hello'\n");
    play(&text).unwrap();
    play(&text).expect("the first server is gone, and so is its port");
}

#[test]
fn a_job_is_ended_without_a_word() {
    play(
        "$ sleep 1000 &\n$ kill $!\n$ wait $!\n$ echo $?\n143\n$ sleep 1000 &\n$ kill %1\n$ wait\n",
    )
    .unwrap();
}

#[test]
fn values_that_the_machine_chooses_are_compared_by_kind() {
    play(
        "$ echo 127.0.0.1:40001 pid=12 took 3.1 ms in $XDG_RUNTIME_DIR\n\
          127.0.0.1:50312 pid=4711 took 0.2 ms in /run/user/1000\n",
    )
    .unwrap();
    fails("$ echo 127.0.0.1:7878\n127.0.0.1:7879\n", "7879");
    play("$ seq 9; echo a $RANDOM\n1\n...\na [..]\n").unwrap();
}

#[test]
fn a_client_that_was_refused_is_not_a_value_that_the_machine_chooses() {
    play(
        "$ echo 'a keeper listens   12    0    3'\na keeper listens       2115        0       21\n",
    )
    .unwrap();
    fails(
        "$ echo 'a keeper listens   12    1    3'\na keeper listens       2115        0       21\n",
        "2115",
    );
}

#[test]
fn two_terminals_take_turns() {
    play(
        "left  | $ cat\nright | $ echo two\nright | two\nleft  | < one\nleft  | one\nleft  | ^D\n\
          left  | $ sleep 1000\nleft  | ^C\nleft  | $ echo $?\nleft  | 130\n",
    )
    .unwrap();
    fails(
        "left | $ echo one; read x; echo two\nleft | one\nleft | < three\n",
        "more was printed:\ntwo",
    );
    fails("left | $ cat\nleft | < one\nleft | two\n", "after `< one`");
}

#[test]
fn text_without_a_command_is_no_session() {
    fails("hello\n", "before the first command");
    fails("", "no command");
}

#[test]
fn a_package_that_one_is_in_needs_no_name() {
    let script = Script::parse(
        "$ cargo run -- --version\nkey-value 0.1.0\n$ cargo run --bin key-value-client\n...\n",
    );
    let package = Some("key-value".to_owned());
    let script = Script {
        package,
        ..script.unwrap()
    };
    engine::run(&script, root(), LIMIT, false).unwrap();
    fails("$ cargo run -- --version\n", "run without -p");
}
