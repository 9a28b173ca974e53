//! Checks one exercise, by `cargo test -p ex-NN-MM`, and says what came of it.
//!
//! Nothing is judged here: the verdict is the check's own. What Cargo and libtest print around it
//! is left out; what rustc prints is not touched.

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::progress::Progress;
use course::libtest::{self, Check, Outcome};
use course::process::{self, Attend, Ended, Limit};
use course::screen::Screen;
use course::{Course, Exercise};

pub enum Verdict {
    Passed(Vec<Check>),
    Failed(Vec<Check>),
    /// It never ran: what rustc and Cargo said.
    NotBuilt,
    /// The checks died or never ended: their own last words.
    Stuck(Duration),
    Broken(String),
    /// Someone asked to stop it.
    Stopped,
}

impl Verdict {
    pub fn passed(&self) -> bool {
        matches!(self, Self::Passed(_))
    }
}

/// What a check is given beside the exercise.
pub struct Limits<'a> {
    pub time: Duration,
    /// Waits for up to the given time; true ends the check.
    pub pause: &'a mut dyn FnMut(Duration) -> bool,
}

/// Checks `exercise`, shows the verdict and remembers it.
pub fn check(
    screen: &mut Screen,
    course: &Course,
    exercise: &Exercise,
    limits: &mut Limits<'_>,
) -> Result<Verdict> {
    let ran = run(screen, course, exercise, limits)?;
    let said = rustc_only(&ran.stderr);
    let verdict = match (&ran.ended, libtest::read(&ran.stdout, &ran.stderr)) {
        (Ended::Stopped, _) => return Ok(Verdict::Stopped),
        (Ended::Stuck, _) => Verdict::Stuck(limits.time),
        (Ended::Itself(_), None) if ran.stdout.trim().is_empty() => Verdict::NotBuilt,
        (Ended::Itself(_), None) => Verdict::Broken(ran.stdout),
        (Ended::Itself(_), Some(checks)) if checks.is_empty() => Verdict::Broken(format!(
            "{} has no check",
            exercise.check_rs(&course.root).display()
        )),
        (Ended::Itself(status), Some(mut checks)) => {
            libtest::sort_as_written(&mut checks, &exercise.check_rs(&course.root));
            if status.success() {
                Verdict::Passed(checks)
            } else {
                Verdict::Failed(checks)
            }
        }
    };
    if !said.is_empty() {
        writeln!(screen, "{said}")?;
    }
    Progress::load(course).set(exercise, verdict.passed())?;
    show(screen, exercise, &verdict)?;
    if !verdict.passed() {
        what_to_do(screen, course, exercise)?;
    }
    Ok(verdict)
}

fn run(
    screen: &mut Screen,
    course: &Course,
    exercise: &Exercise,
    limits: &mut Limits<'_>,
) -> Result<process::Ran> {
    let mut command = cargo(course);
    let color = if screen.paint.on { "always" } else { "never" };
    command.args([
        "test",
        "--color",
        color,
        "--no-fail-fast",
        "-p",
        &exercise.package(),
    ]);
    command.args(["--", "--show-output"]);
    if screen.paint.on {
        // The checks' own colors: they write to a pipe, and cannot see that it ends here.
        command.env("CLICOLOR_FORCE", "1");
    }
    screen.transient(&format!("building {}", exercise.package()))?;
    // Building may take as long as it takes: a first one also downloads.
    let from: fn(&str) -> bool = |line| plain(line).trim_start().starts_with("Running ");
    let limit = Limit {
        time: limits.time,
        from: Some(from),
    };
    let ran = process::run(
        &mut command,
        limit,
        &mut Attend {
            pause: limits.pause,
            line: &mut |line| {
                let line = plain(line);
                if is_status(&line) {
                    // A terminal that is gone is noticed at the verdict.
                    let _ = screen.transient(line.trim());
                }
            },
        },
    );
    screen.clear_transient()?;
    ran
}

/// Cargo, in the workspace, as this program was itself started by it.
pub fn cargo(course: &Course) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&course.root).env("RUST_BACKTRACE", "0");
    command
}

fn show(screen: &mut Screen, exercise: &Exercise, verdict: &Verdict) -> Result<()> {
    let paint = screen.paint;
    match verdict {
        Verdict::Passed(checks) => {
            list(screen, checks)?;
            writeln!(
                screen,
                "{}",
                paint.good(&format!("{} {} is solved.", exercise.id(), exercise.name))
            )?;
        }
        Verdict::Failed(checks) => {
            list(screen, checks)?;
            if let Some(first) = checks.iter().find(|check| check.failed()) {
                writeln!(screen, "\n{}\n\n{}", paint.bold(&first.name), first.output)?;
            }
        }
        Verdict::NotBuilt => writeln!(screen, "{}", paint.bad("It does not compile yet."))?,
        Verdict::Stuck(time) => {
            let text = format!(
                "Stuck: still running after {} s, so it was ended.",
                time.as_secs()
            );
            writeln!(screen, "{}", paint.bad(&text))?;
        }
        Verdict::Broken(output) => {
            writeln!(
                screen,
                "{output}\n{}",
                paint.bad("The checks ended before their verdict.")
            )?;
        }
        Verdict::Stopped => {}
    }
    Ok(())
}

fn list(screen: &mut Screen, checks: &[Check]) -> Result<()> {
    let paint = screen.paint;
    for Check { name, outcome, .. } in checks {
        match outcome {
            Outcome::Passed => writeln!(screen, "  {} {name}", paint.good("✓"))?,
            Outcome::Failed => writeln!(screen, "  {} {name}", paint.bad("✗"))?,
            Outcome::Skipped(why) => {
                writeln!(
                    screen,
                    "  - {name}  {}",
                    paint.dim(&format!("skipped: {why}"))
                )?;
            }
        }
    }
    Ok(())
}

/// Where to go on from a verdict that isn't the last.
fn what_to_do(screen: &mut Screen, course: &Course, exercise: &Exercise) -> Result<()> {
    let page = &course.chapter_of(exercise).page;
    let id = exercise.id();
    let paint = screen.paint;
    writeln!(screen)?;
    for (label, what) in [
        ("write", exercise.file()),
        ("task", format!("exercises/{}/README.md", exercise.folder)),
        ("read", page.clone()),
        ("hint", format!("cargo learn hint {id} 1")),
        (
            "again",
            format!("cargo learn check {id}   (or leave `cargo learn watch` running)"),
        ),
    ] {
        writeln!(
            screen,
            "  {} {}",
            paint.dim(&format!("{label:<6}")),
            paint.name(&what)
        )?;
    }
    Ok(())
}

/// Standard error without what Cargo says of its own work, and without what was skipped.
pub fn rustc_only(text: &str) -> String {
    let kept = text.lines().filter(|line| {
        let plain = plain(line);
        let plain = plain.trim();
        !is_status(plain)
            && !plain.starts_with("error: test failed, to rerun pass")
            && !plain.starts_with("error: 1 target failed:")
            && !plain.starts_with("`-p ex-")
            && libtest::skip(plain).is_none()
    });
    kept.collect::<Vec<_>>()
        .join("\n")
        .trim_matches('\n')
        .to_owned()
}

/// The words that begin Cargo's status lines.
const STATUS: [&str; 14] = [
    "Adding",
    "Blocking",
    "Building",
    "Checking",
    "Compiling",
    "Doc-tests",
    "Downloaded",
    "Downloading",
    "Executable",
    "Finished",
    "Fresh",
    "Locking",
    "Running",
    "Updating",
];

fn is_status(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next().is_some_and(|word| STATUS.contains(&word)) && words.next().is_some()
}

/// Without escape sequences for colors (`ESC [ … m`).
fn plain(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rustc_says_is_kept_and_what_cargo_does_is_not() {
        let text = "\x1b[1m\x1b[92m   Compiling\x1b[0m ex-01-01 v0.1.0 (/x)
warning: unused variable: `Running`
 --> main.rs:3:9
    Finished `test` profile in 0.3s
     Running unittests src/main.rs (target/debug/deps/ex_01_01-1)
error: test failed, to rerun pass `-p ex-01-01 --test check`
";
        assert_eq!(
            rustc_only(text),
            "warning: unused variable: `Running`\n --> main.rs:3:9"
        );
    }
}
