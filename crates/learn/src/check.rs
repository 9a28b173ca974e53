//! Checks one exercise, as `cargo test -p ex-NN-MM` does, and reports the outcome.
//!
//! Cargo builds the exercise and its checks. Then the checks are run as Cargo would run them; only
//! from here on does the time limit count. This module judges nothing: the checks themselves do. Of
//! the output, messages of Cargo and libtest are left out, and rustc's are shown unchanged.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::progress::Progress;
use crate::verdict::{self, Verdict};
use course::cargo;
use course::libtest;
use course::messages::{self, Artifact};
use course::process::{self, Attend, Ended, Ran};
use course::screen::Screen;
use course::{Course, Exercise};

/// How long checks may run before a message says so, if nothing else shows that they are running.
const LONG: Duration = Duration::from_secs(10);

/// How long a check may take, and how it can be stopped.
pub struct Limits<'a> {
    pub time: Duration,
    /// Waits for up to the given time. If it returns true, the check is stopped.
    pub pause: &'a mut dyn FnMut(Duration) -> bool,
}

/// Checks `exercise`, shows the verdict and records it.
pub fn check(
    screen: &mut Screen,
    course: &Course,
    progress: &mut Progress,
    exercise: &Exercise,
    limits: &mut Limits<'_>,
) -> Result<Verdict> {
    let verdict = judge(screen, course, exercise, limits)?;
    if matches!(verdict, Verdict::Stopped) {
        return Ok(verdict);
    }
    // Shown first, and remembered even if no one sees it.
    let shown = verdict::show(screen, exercise, &verdict);
    let kept = match verdict.solved() {
        Some(solved) => progress.set(course, exercise, solved),
        None => Ok(()),
    };
    shown?;
    if let Err(error) = kept {
        let text = format!("The verdict stands, but your progress could not be saved: {error:#}");
        writeln!(screen, "{}", screen.paint.bad(&text))?;
    }
    if !verdict.passed() {
        verdict::what_to_do(screen, course, exercise, &verdict)?;
    }
    Ok(verdict)
}

fn judge(
    screen: &mut Screen,
    course: &Course,
    exercise: &Exercise,
    limits: &mut Limits<'_>,
) -> Result<Verdict> {
    let mut command = cargo::cargo(course);
    command.args(["test", "--no-run", "-p", &exercise.package()]);
    command.args(["--message-format", "json-render-diagnostics"]);
    // Building has no time limit: the first build also downloads.
    let what = exercise.package();
    let built = cargo::build(screen, &what, &mut command, None, limits.pause)?;
    let said = messages::rustc_only(&built.stderr);
    if !said.is_empty() && !matches!(built.ended, Ended::Stopped) {
        // If no one is reading anymore, that is noticed at the verdict, which counts all the same.
        let _ = writeln!(screen, "{said}");
    }
    match built.ended {
        Ended::Itself(status) if status.success() => {}
        Ended::Itself(_) => {
            let folder = format!("exercises/{}/", exercise.folder);
            return Ok(if messages::is_compile_error(&built.stderr, &folder) {
                Verdict::NotCompiled
            } else {
                Verdict::NotBuilt("Cargo could not build it, for the reason above.".into())
            });
        }
        Ended::Stuck | Ended::Stopped => return Ok(Verdict::Stopped),
    }
    let tests = tests(&built.stdout);
    if tests.is_empty() {
        return Ok(no_check(course, exercise));
    }
    let ran = match run(screen, course, exercise, &tests, limits) {
        Ok(ran) => ran,
        Err(error) => {
            return Ok(Verdict::NotBuilt(format!(
                "It compiles, but its checks cannot be started: {error:#}"
            )));
        }
    };
    let errors = unskipped(&ran.stderr);
    if !errors.is_empty() && !matches!(ran.ended, Ended::Stopped) {
        let _ = writeln!(screen, "{errors}");
    }
    Ok(verdict_on(course, exercise, ran, limits.time))
}

/// Returns the programs that contain tests: the exercise's own unit tests come before its checks.
fn tests(messages: &str) -> Vec<PathBuf> {
    let artifacts = messages.lines().filter_map(messages::artifact);
    let mut tests: Vec<Artifact> = artifacts.filter(|artifact| artifact.test).collect();
    tests.sort_by_key(|artifact| artifact.kind == "test");
    tests.into_iter().map(|test| test.executable).collect()
}

/// Runs the test programs one after another, and combines their outcomes.
fn run(
    screen: &mut Screen,
    course: &Course,
    exercise: &Exercise,
    tests: &[PathBuf],
    limits: &mut Limits<'_>,
) -> Result<Ran> {
    screen.transient(&format!("checking {}", exercise.package()))?;
    let (start, mut told) = (Instant::now(), false);
    let colors = screen.paint.on;
    let mut pause = |time| {
        if !screen.is_terminal() && !told && start.elapsed() >= LONG {
            told = true;
            // If the reader is gone, that is noticed at the verdict.
            let _ = writeln!(screen, "checking {}", exercise.package());
        }
        (limits.pause)(time)
    };
    let mut all = Ran::nothing();
    for test in tests {
        let folder = exercise.path(&course.root);
        let mut command = libtest::command(test, &folder, &exercise.package());
        if colors {
            // The program's own colors: it writes to a pipe, and cannot see that it ends here.
            command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
        } else {
            command.env_remove("CLICOLOR_FORCE").env("NO_COLOR", "1");
        }
        let attend = &mut Attend {
            pause: &mut pause,
            line: &mut |_| (),
        };
        let left = limits.time.saturating_sub(start.elapsed());
        let ran = process::run(&mut command, Some(left), attend)?;
        if all.append(ran) {
            break;
        }
    }
    screen.clear_transient()?;
    Ok(all)
}

fn verdict_on(course: &Course, exercise: &Exercise, ran: Ran, limit: Duration) -> Verdict {
    let status = match ran.ended {
        Ended::Stopped => return Verdict::Stopped,
        Ended::Stuck => return Verdict::Stuck(limit),
        Ended::Itself(status) => status,
    };
    let check_rs = exercise.check_rs(&course.root);
    match libtest::read(&ran.stdout, &ran.stderr) {
        None if ran.stdout.is_empty() => Verdict::Broken(format!("They exited with {status}.")),
        None => Verdict::Broken(ran.stdout),
        Some(checks) if checks.is_empty() => no_check(course, exercise),
        Some(mut checks) => {
            libtest::sort_as_written(&mut checks, &check_rs);
            if checks.iter().any(libtest::Check::failed) {
                Verdict::Failed(checks)
            } else if !status.success() {
                Verdict::Broken(format!("They passed, but exited with {status}."))
            } else if checks.iter().all(libtest::Check::skipped) {
                Verdict::NotChecked(checks)
            } else {
                Verdict::Passed(checks)
            }
        }
    }
}

fn no_check(course: &Course, exercise: &Exercise) -> Verdict {
    let check_rs = exercise.check_rs(&course.root);
    Verdict::Broken(format!("{} has no check", check_rs.display()))
}

/// Returns what the checks wrote to standard error, without the lines about skipped ones.
fn unskipped(text: &str) -> String {
    let kept = text.lines().filter(|line| libtest::skip(line).is_none());
    kept.collect::<Vec<_>>()
        .join("\n")
        .trim_matches('\n')
        .to_owned()
}
