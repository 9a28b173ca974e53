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

pub struct Watching {
    child: Child,
    lines: Receiver<String>,
    seen: String,
}

impl Watching {
    pub fn start(command: &mut Command) -> Self {
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
    pub fn says(&mut self, expected: &str) {
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

    pub fn key(&mut self, line: &str) {
        self.bytes(format!("{line}\n").as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        stdin.write_all(bytes).expect("it listens");
    }

    #[track_caller]
    pub fn leaves(mut self) {
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
    watching.says("Stuck: still running after 3 s, so it was stopped.");
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

#[test]
fn a_named_exercise_is_watched_and_enter_goes_on_from_there() {
    let scratch = Scratch::new();
    let mut watching = Watching::start(&mut scratch.command(&["watch", "02-01"]));
    watching.says("02-01 again  chapter 2");
    watching.says("Save to check again.");
    scratch.solve("02_more_words/01_again");
    watching.says("02-01 again is solved.");
    watching.says("next exercise       01-01 hello");
    watching.says("Save to check again.");
    watching.key("");
    watching.says("01-01 hello  chapter 1");
    watching.leaves();
    scratch
        .learn(&["watch", "07-07"])
        .fails()
        .says("there is no exercise 07-07");
}

#[test]
fn keys_may_be_any_bytes() {
    let scratch = Scratch::new();
    let mut watching = Watching::start(&mut scratch.command(&["watch"]));
    watching.says("Save to check again.");
    watching.bytes(b"\xff\xfe q\n");
    watching.says("Save to check again.");
    watching.leaves();
}

#[test]
fn a_file_that_is_only_touched_is_not_checked() {
    let scratch = Scratch::new();
    let mut watching = Watching::start(&mut scratch.command(&["watch"]));
    watching.says("Save to check again.");
    let other = "02_more_words/01_again";
    scratch.write(
        &format!("exercises/{other}/src/main.rs"),
        crate::scratch::STUB,
    );
    scratch.solve(FIRST);
    watching.says("01-01 hello is solved.");
    assert_eq!(
        watching.seen.matches("  chapter ").count(),
        2,
        "{}",
        watching.seen
    );
    watching.leaves();
}

/// Where the system tells of no saves, as on a drive of Windows or of a network.
#[cfg(target_os = "linux")]
#[test]
fn saves_are_noticed_where_the_system_tells_of_none() {
    let scratch = Scratch::new();
    let namespace = ["--user", "--map-root-user"];
    let none = "echo 0 > /proc/sys/user/max_inotify_instances && exec \"$0\" \"$@\"";
    let allowed = Command::new("unshare")
        .args(namespace)
        .args(["sh", "-c", none, "true"])
        .output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: user namespaces are not allowed here");
        return;
    }
    let learn = scratch.command(&["watch"]);
    let mut command = Command::new("unshare");
    command.args(namespace).args(["sh", "-c", none]);
    command
        .arg(learn.get_program())
        .arg("watch")
        .current_dir(scratch.path());
    command.env("CARGO_NET_OFFLINE", "true");
    let mut watching = Watching::start(&mut command);
    watching.says("✗ says_hello");
    watching.says("Saves are noticed within 2 s; this system cannot report them immediately: ");
    scratch.solve(FIRST);
    watching.says("01-01 hello is solved.");
    watching.leaves();
}
