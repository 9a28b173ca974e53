//! Runs a command with a time limit, and kills it together with everything that it started.
//!
//! `cargo test` starts a test, and the test starts the learner's program in its own process group.
//! Killing Cargo alone would leave the other two running, so all descendants are killed, too.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How often a running command is checked.
const LOOK: Duration = Duration::from_millis(10);
/// How long output may still arrive after the command has ended: a program that it left behind can
/// hold the pipe open.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The outcome of a command.
pub struct Ran {
    /// How the command ended.
    pub ended: Ended,
    /// What the command printed on standard output.
    pub stdout: String,
    /// What the command printed on standard error.
    pub stderr: String,
}

impl Ran {
    /// The outcome of running no command.
    pub fn nothing() -> Self {
        Self {
            ended: Ended::Itself(ExitStatus::default()),
            stdout: String::new(),
            stderr: String::new(),
        }
    }

    /// Records the outcome of the next command. If several commands fail, keeps only the first
    /// failure. Returns true if no further commands should be run.
    pub fn append(&mut self, next: Self) -> bool {
        self.stdout.push_str(&next.stdout);
        self.stderr.push_str(&next.stderr);
        if matches!(self.ended, Ended::Itself(status) if status.success()) {
            self.ended = next.ended;
        }
        matches!(self.ended, Ended::Stuck | Ended::Stopped)
    }
}

/// How a command ended.
pub enum Ended {
    /// On its own.
    Itself(ExitStatus),
    /// The time limit passed, and it was killed.
    Stuck,
    /// The caller's `pause` asked for it to be stopped, and it was killed.
    Stopped,
}

/// What the caller does while a command is running.
pub struct Attend<'a> {
    /// Waits for up to the given time. If it returns true, the command is stopped.
    pub pause: &'a mut dyn FnMut(Duration) -> bool,
    /// Called with each line of standard error, as it arrives.
    pub line: &'a mut dyn FnMut(&str),
}

/// A `pause` that never stops the command.
pub fn undisturbed(time: Duration) -> bool {
    thread::sleep(time);
    false
}

/// Runs `command`, with an empty standard input, until it ends or its time limit passes.
///
/// # Errors
///
/// Fails if the command can't be started or waited for.
///
/// # Panics
///
/// Never: both outputs are piped.
pub fn run(command: &mut Command, limit: Option<Duration>, attend: &mut Attend<'_>) -> Result<Ran> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {command:?}"))?;
    let mut stdout = Collected::from(child.stdout.take().expect("standard output is piped"));
    let mut stderr = Collected::from(child.stderr.take().expect("standard error is piped"));
    let ended = wait(&mut child, limit, &mut stderr, attend)?;
    stdout.rest(Instant::now() + LAST_WORDS, &mut |_| ());
    stderr.rest(Instant::now() + LAST_WORDS, attend.line);
    Ok(Ran {
        ended,
        stdout: stdout.text,
        stderr: stderr.text,
    })
}

fn wait(
    child: &mut Child,
    limit: Option<Duration>,
    stderr: &mut Collected,
    attend: &mut Attend<'_>,
) -> Result<Ended> {
    let start = Instant::now();
    loop {
        stderr.take_ready(attend.line);
        if let Some(status) = child.try_wait().context("cannot wait for a command")? {
            return Ok(Ended::Itself(status));
        }
        let stopped = (attend.pause)(LOOK);
        if stopped || limit.is_some_and(|limit| start.elapsed() >= limit) {
            family::kill(child);
            child
                .wait()
                .context("cannot wait for a command that was killed")?;
            return Ok(if stopped {
                Ended::Stopped
            } else {
                Ended::Stuck
            });
        }
    }
}

/// One output stream of a command. A thread reads it, so that it never blocks the command.
struct Collected {
    lines: Receiver<String>,
    text: String,
}

impl Collected {
    fn from(stream: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while matches!(stream.read_until(b'\n', &mut line), Ok(count) if count > 0) {
                if sender
                    .send(String::from_utf8_lossy(&line).into_owned())
                    .is_err()
                {
                    return;
                }
                line.clear();
            }
        });
        Self {
            lines,
            text: String::new(),
        }
    }

    fn take_ready(&mut self, tell: &mut dyn FnMut(&str)) {
        while let Ok(line) = self.lines.try_recv() {
            tell(&line);
            self.text.push_str(&line);
        }
    }

    fn rest(&mut self, until: Instant, tell: &mut dyn FnMut(&str)) {
        loop {
            match self
                .lines
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    tell(&line);
                    self.text.push_str(&line);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

#[cfg(unix)]
mod family {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::process::{Child, Command};

    use rustix::process::{Pid, Signal, kill_process};

    /// Kills a child and all its descendants. Each process is stopped before its children are
    /// listed, so that it can't start new ones meanwhile.
    pub fn kill(child: &mut Child) {
        let mut family = BTreeSet::from([child.id()]);
        loop {
            signal(&family, Signal::STOP);
            let born: Vec<u32> = processes()
                .into_iter()
                .filter(|(id, parent)| family.contains(parent) && !family.contains(id))
                .map(|(id, _)| id)
                .collect();
            if born.is_empty() {
                break;
            }
            family.extend(born);
        }
        signal(&family, Signal::KILL);
    }

    fn signal(family: &BTreeSet<u32>, signal: Signal) {
        for id in family {
            if let Some(pid) = i32::try_from(*id).ok().and_then(Pid::from_raw) {
                // One that has just ended needs no signal.
                let _ = kill_process(pid, signal);
            }
        }
    }

    /// Returns every process with its parent, from `/proc` where it exists, and otherwise from
    /// `ps`.
    fn processes() -> Vec<(u32, u32)> {
        if !Path::new("/proc/self/stat").exists() {
            return listed();
        }
        let Ok(entries) = std::fs::read_dir("/proc") else {
            return listed();
        };
        let stat = |name: &str| std::fs::read(format!("/proc/{name}/stat")).ok();
        let names = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned());
        names
            .filter_map(|name| {
                // proc_pid_stat(5): pid, (the name, with any byte in it), state, parent.
                let stat = stat(&name)?;
                let stat = String::from_utf8_lossy(&stat);
                let parent = stat
                    .rsplit_once(')')?
                    .1
                    .split_whitespace()
                    .nth(1)?
                    .parse()
                    .ok()?;
                Some((name.parse().ok()?, parent))
            })
            .collect()
    }

    fn listed() -> Vec<(u32, u32)> {
        let Ok(output) = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output() else {
            return Vec::new();
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let pair = |line: &str| {
            let mut numbers = line.split_whitespace().map(|number| number.parse().ok());
            Some((numbers.next()??, numbers.next()??))
        };
        text.lines().filter_map(pair).collect()
    }
}

#[cfg(not(unix))]
mod family {
    use std::process::{Child, Command};

    /// Kills a child and all its descendants.
    pub fn kill(child: &mut Child) {
        let id = child.id().to_string();
        let _ = Command::new("taskkill")
            .args(["/T", "/F", "/PID", &id])
            .output();
        // If there is no `taskkill`, at least the child itself.
        let _ = child.kill();
    }
}
