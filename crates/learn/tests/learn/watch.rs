//! `cargo learn watch`: a save decides, and a stuck program never outlives it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::scratch::Scratch;

const FIRST: &str = "01_first_words/01_hello";
/// Far more than anything here needs, so that only what never comes is given up on.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program that tells the test that it runs, and never ends.
const STUCK: &str = "fn main() {
    let calls = std::env::var(\"STUCK_CALLS\").expect(\"the test sets it\");
    let _call = std::net::TcpStream::connect(calls).expect(\"the test listens\");
    loop {
        std::thread::park();
    }
}
";

struct Watching {
    child: Child,
    lines: Receiver<String>,
    seen: String,
}

impl Watching {
    fn start(command: &mut Command) -> Self {
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = pipes.spawn().expect("it starts");
        let stdout = child.stdout.take().expect("it is piped");
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            seen: String::new(),
        }
    }

    #[track_caller]
    fn says(&mut self, expected: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("expected {expected:?} after:\n{}", self.seen);
            };
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(expected) {
                return;
            }
        }
    }

    fn key(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        writeln!(stdin, "{line}").expect("it listens");
    }

    #[track_caller]
    fn leaves(mut self) {
        self.key("q");
        assert!(
            self.child.wait().expect("it ends").success(),
            "after:\n{}",
            self.seen
        );
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Already gone, where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the calls of stuck programs.
fn calls() -> (String, Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let address = listener.local_addr().expect("it is bound").to_string();
    let (sender, calls) = channel();
    thread::spawn(move || {
        for call in listener.incoming().map_while(Result::ok) {
            if sender.send(call).is_err() {
                return;
            }
        }
    });
    (address, calls)
}

/// The program at the other end is gone once its connection is.
#[track_caller]
fn is_gone(mut program: TcpStream) {
    program.set_read_timeout(Some(PATIENCE)).expect("not zero");
    let end = program.read(&mut [0]);
    let reset = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
    assert!(
        matches!(&end, Ok(0)) || end.as_ref().is_err_and(reset),
        "it lives on: {end:?}"
    );
}

#[test]
fn a_save_checks_what_was_saved_and_enter_goes_on() {
    let scratch = Scratch::new();
    let mut watching = Watching::start(&mut scratch.command(&["watch"]));
    watching.says("✗ says_hello");
    watching.says("Save to check again.");
    scratch.solve(FIRST);
    watching.says("01-01 hello is solved.");
    watching.says("Save to check again.");
    watching.key("");
    watching.says("02-01 again");
    watching.says("Save to check again.");
    scratch.solve("02_more_words/01_again");
    watching.says("All done");
    watching.leaves();
}

#[test]
fn a_program_stuck_in_a_loop_is_killed_by_the_next_save() {
    let scratch = Scratch::new();
    let (address, calls) = calls();
    scratch.write(&format!("exercises/{FIRST}/src/main.rs"), STUCK);
    let mut watching = Watching::start(scratch.command(&["watch"]).env("STUCK_CALLS", address));
    let program = calls
        .recv_timeout(PATIENCE)
        .expect("the stuck program runs");
    scratch.solve(FIRST);
    is_gone(program);
    watching.says("stopped");
    watching.says("01-01 hello is solved.");
    watching.leaves();
}

#[test]
fn a_program_stuck_in_a_loop_is_killed_at_the_time_limit() {
    let scratch = Scratch::new();
    let (address, calls) = calls();
    scratch.write(&format!("exercises/{FIRST}/src/main.rs"), STUCK);
    let mut command = scratch.command(&["watch", "--time-limit", "3"]);
    let mut watching = Watching::start(command.env("STUCK_CALLS", address));
    let program = calls
        .recv_timeout(PATIENCE)
        .expect("the stuck program runs");
    watching.says("Stuck: still running after 3 s, so it was ended.");
    is_gone(program);
    scratch.solve(FIRST);
    watching.says("01-01 hello is solved.");
    watching.leaves();
}

#[test]
fn leaving_during_a_check_ends_that_check() {
    let scratch = Scratch::new();
    let (address, calls) = calls();
    scratch.write(&format!("exercises/{FIRST}/src/main.rs"), STUCK);
    let watching = Watching::start(scratch.command(&["watch"]).env("STUCK_CALLS", address));
    let program = calls
        .recv_timeout(PATIENCE)
        .expect("the stuck program runs");
    watching.leaves();
    is_gone(program);
}
