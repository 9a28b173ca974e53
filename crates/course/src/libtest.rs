//! Reads what the checks printed: libtest's text, without what a learner doesn't need.
//!
//! libtest's machine-readable output isn't stable, so this reads the text meant for people. If a
//! check can't run on this machine, libtest counts it as passed, and `scripted-peer` writes
//! `skipped: PACKAGE CHECK: WHY` to standard error.

use std::fs;
use std::path::Path;
use std::process::Command;

/// How many checks run at the same time. It is more than there are CPUs, because tests of sockets
/// wait more than they compute; `.cargo/config.toml` sets the same number for `cargo test`.
const THREADS: &str = "8";

/// A check that has run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The check's name, including the modules that it is in.
    pub name: String,
    /// Its outcome.
    pub outcome: Outcome,
    /// What it printed, including the timeline of a failure.
    pub output: String,
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was as expected.
    Passed,
    /// Something was not as expected.
    Failed,
    /// It could not run on this machine, for this reason.
    Skipped(String),
}

impl Check {
    /// Whether the check failed.
    pub fn failed(&self) -> bool {
        self.outcome == Outcome::Failed
    }

    /// Whether the check was skipped.
    pub fn skipped(&self) -> bool {
        matches!(self.outcome, Outcome::Skipped(_))
    }
}

/// Returns a command that runs `checks`, the program that contains the checks of `package`, in
/// `folder`, as `cargo test` would. To make its output readable for [`read`], libtest's own
/// variables (`RUST_TEST_NOCAPTURE` and the like) and the learner's settings for colors and
/// backtraces are removed.
pub fn command(checks: &Path, folder: &Path, package: &str) -> Command {
    let mut command = Command::new(checks);
    command.args(["--show-output", "--format", "pretty", "--color", "never"]);
    command.args(["--test-threads", THREADS]);
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RUST_TEST_") {
            command.env_remove(name);
        }
    }
    for name in ["RUST_LIB_BACKTRACE", "CHECK_PROGRAM"] {
        command.env_remove(name);
    }
    command.envs([("RUST_BACKTRACE", "0"), ("CARGO_PKG_NAME", package)]);
    command.env("CARGO_MANIFEST_DIR", folder);
    command
}

/// Returns the checks of one run with `--show-output`, or of several runs, from standard output and
/// standard error. Returns `None` if a run didn't reach its end (the checks don't compile, or the
/// whole test process died).
pub fn read(text: &str, errors: &str) -> Option<Vec<Check>> {
    let mut checks: Vec<Check> = Vec::new();
    let mut section = None;
    let (mut begun, mut ended) = (0, 0);
    for line in text.lines() {
        if is_beginning(line) {
            begun += 1;
        } else if line.starts_with("test result: ") {
            (ended, section) = (ended + 1, None);
        } else if let Some(check) = result(line).filter(|_| section.is_none()) {
            checks.push(check);
        } else if line == "failures:" || line == "successes:" {
            section = None;
        } else if let Some(index) = header(line, &checks) {
            section = Some(index);
        } else if let Some(check) = section.and_then(|index: usize| checks.get_mut(index)) {
            check.output.push_str(line);
            check.output.push('\n');
        }
    }
    for check in &mut checks {
        check.output = quiet(&check.output, &check.name);
        if check.outcome == Outcome::Passed
            && let Some((_, why)) = errors
                .lines()
                .filter_map(skip)
                .find(|(n, _)| *n == check.name)
        {
            check.outcome = Outcome::Skipped(why.to_owned());
        }
    }
    (begun > 0 && begun == ended).then_some(checks)
}

/// Sorts checks into the order of the file that contains them, where the most instructive check
/// comes first. libtest sorts them by name.
pub fn sort_as_written(checks: &mut [Check], check_rs: &Path) {
    let source = fs::read_to_string(check_rs).unwrap_or_default();
    checks.sort_by_key(|check| place(&check.name, &source));
}

/// Returns the position of a check in the file: that of its function, or else of the first mention
/// of its name (in a macro call).
fn place(name: &str, source: &str) -> usize {
    let own = name.rsplit("::").next().unwrap_or(name);
    let function = source.find(&format!("fn {own}("));
    function.or_else(|| source.find(own)).unwrap_or(usize::MAX)
}

fn is_beginning(line: &str) -> bool {
    let count = line
        .strip_prefix("running ")
        .and_then(|rest| rest.split_once(" test"));
    count.is_some_and(|(count, _)| count.parse::<usize>().is_ok())
}

fn result(line: &str) -> Option<Check> {
    let (name, result) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let outcome = match result {
        "ok" => Outcome::Passed,
        "FAILED" => Outcome::Failed,
        ignored => {
            let why = ignored
                .strip_prefix("ignored")?
                .trim_start_matches([',', ' ']);
            Outcome::Skipped(if why.is_empty() { "ignored" } else { why }.to_owned())
        }
    };
    let name = name.split(" - ").next().unwrap_or(name).to_owned();
    Some(Check {
        name,
        outcome,
        output: String::new(),
    })
}

/// Returns the check that a line `---- NAME stdout ----` announces.
fn header(line: &str, checks: &[Check]) -> Option<usize> {
    let name = line.strip_prefix("---- ")?.strip_suffix(" stdout ----")?;
    checks.iter().position(|check| check.name == name)
}

/// Removes libtest's message about a panic in the check itself. Messages about panics in the
/// learner's program stay.
fn quiet(output: &str, name: &str) -> String {
    let noise = |line: &&str| {
        line.starts_with("note: run with `RUST_BACKTRACE=")
            || line
                .strip_prefix("thread '")
                .is_some_and(|rest| rest.starts_with(name) && rest.contains(" panicked at "))
    };
    let kept: Vec<&str> = output.lines().filter(|line| !noise(line)).collect();
    kept.join("\n").trim_matches('\n').to_owned()
}

/// Returns the check and the reason if a line of standard error says that a check was skipped.
pub fn skip(line: &str) -> Option<(&str, &str)> {
    let (who, why) = line.strip_prefix("skipped: ")?.split_once(": ")?;
    Some((who.rsplit(' ').next().unwrap_or(who), why))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
running 0 tests

test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out

running 4 tests
test lonely ... ok
test needs_root ... ok
test unfinished ... ignored, not yet
test wrong ... FAILED

successes:

---- needs_root stdout ----
uid 1000


successes:
    lonely
    needs_root

failures:

---- wrong stdout ----

   0.0 ms  peer  connected
 Chapter 4: docs/src/04.md

thread 'wrong' (71) panicked at tests/check.rs:3:5:
left is not right
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace


failures:
    wrong

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out
";

    #[test]
    fn what_the_checks_said_is_kept_and_libtests_noise_is_not() {
        let skipped = "skipped: ex-04-01 needs_root: only root may do this\n";
        let checks = read(TEXT, skipped).expect("all of it ran");
        let outcomes: Vec<_> = checks
            .iter()
            .map(|c| (c.name.as_str(), c.outcome.clone()))
            .collect();
        let expected = [
            ("lonely", Outcome::Passed),
            (
                "needs_root",
                Outcome::Skipped("only root may do this".into()),
            ),
            ("unfinished", Outcome::Skipped("not yet".into())),
            ("wrong", Outcome::Failed),
        ];
        assert_eq!(outcomes, expected);
        let story = "   0.0 ms  peer  connected\n Chapter 4: docs/src/04.md\n\nleft is not right";
        assert_eq!(checks[3].output, story);
    }

    #[test]
    fn a_test_process_that_died_has_no_verdict() {
        let died = TEXT
            .split("failures:")
            .next()
            .expect("there is a first part");
        assert_eq!(read(died, ""), None);
        assert_eq!(read("", ""), None);
    }
}
