//! Calls Cargo in a way that keeps the learner's settings from changing the output that is read
//! here.
//!
//! Cargo's settings come from the environment, from `.cargo/config.toml` in each folder above, and
//! from the home folder (<https://doc.rust-lang.org/cargo/reference/config.html>). A variable
//! overrides all files, so the settings that matter here are set by variables of the call.

use std::cell::RefCell;
use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::Course;
use crate::messages::{is_status, plain};
use crate::process::{self, Attend, Ended, Ran};
use crate::screen::Screen;
use crate::waits::Waits;

const FIXED: [(&str, &str); 6] = [
    // Quiet mode removes the lines that say what Cargo is waiting for; verbose mode adds more.
    ("CARGO_TERM_QUIET", "false"),
    ("CARGO_TERM_VERBOSE", "false"),
    ("CARGO_TERM_PROGRESS_WHEN", "never"),
    ("CARGO_TERM_HYPERLINKS", "false"),
    // `build.warnings = "deny"` is for projects; an unfinished exercise has unused variables.
    ("CARGO_BUILD_WARNINGS", "warn"),
    ("RUST_BACKTRACE", "0"),
];
const LOGS: [&str; 3] = ["CARGO_LOG", "RUSTC_LOG", "RUST_LIB_BACKTRACE"];

/// Returns a command that runs Cargo in the workspace: the same Cargo that started this program.
pub fn cargo(course: &Course) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&course.root).envs(FIXED);
    for name in LOGS {
        command.env_remove(name);
    }
    command
}

/// Builds `what`, and shows on the screen what Cargo is waiting for. Standard output tells what was
/// built ([`crate::messages`] reads it), and rustc's messages are in standard error.
///
/// If the learner's flags turn warnings into errors, `what` is built once more without these flags.
///
/// # Errors
///
/// Fails if Cargo can't be run, or if nothing can be written to the screen.
pub fn build(
    screen: &mut Screen,
    what: &str,
    command: &mut Command,
    limit: Option<Duration>,
    pause: &mut dyn FnMut(Duration) -> bool,
) -> Result<Ran> {
    command.args(["--color", if screen.paint.on { "always" } else { "never" }]);
    let ran = build_once(screen, what, command, limit, pause)?;
    match ran.ended {
        Ended::Itself(status) if !status.success() && warnings_are_denied(&ran) => {
            screen.transient(
                "your compiler flags deny warnings: building again with warnings allowed",
            )?;
            command.env("CARGO_ENCODED_RUSTFLAGS", flags_without_denials());
            build_once(screen, what, command, limit, pause)
        }
        _ => Ok(ran),
    }
}

fn build_once(
    screen: &mut Screen,
    what: &str,
    command: &mut Command,
    limit: Option<Duration>,
    pause: &mut dyn FnMut(Duration) -> bool,
) -> Result<Ran> {
    screen.transient(&format!("building {what}"))?;
    let terminal = screen.is_terminal();
    // If the terminal is gone, that is noticed at the verdict, so errors are ignored here.
    let shown = RefCell::new((&mut *screen, Waits::new(what, Instant::now())));
    let mut line = |line: &str| {
        let line = plain(line);
        let line = line.trim();
        if is_status(line) {
            let (screen, waits) = &mut *shown.borrow_mut();
            let _ = screen.transient(&waits.goes_on(line, Instant::now()));
        }
    };
    let mut pause = |time| {
        let (screen, waits) = &mut *shown.borrow_mut();
        if !terminal && let Some(text) = waits.due(Instant::now()) {
            let _ = writeln!(screen, "{text}");
        }
        pause(time)
    };
    let attend = &mut Attend {
        pause: &mut pause,
        line: &mut line,
    };
    let ran = process::run(command, limit, attend);
    screen.clear_transient()?;
    ran
}

/// The lints that the workspace's own `Cargo.toml` denies: these are errors for everyone.
const OWN_DENIALS: [&str; 2] = ["unused-must-use`", "unsafe-code`"];

/// Whether one of the errors is a warning that the compiler's flags turned into an error. rustc
/// reports errors on standard error, or in messages.
fn warnings_are_denied(ran: &Ran) -> bool {
    says_denied(&plain(&ran.stderr)) || says_denied(&ran.stdout)
}

fn says_denied(text: &str) -> bool {
    let foreign = |flag: &str| {
        let lint = flag.strip_prefix(['D', 'F']).map(str::trim_start);
        lint.is_some_and(|lint| !OWN_DENIALS.iter().any(|own| lint.starts_with(own)))
    };
    let told = ["implied by `-", "on the command line with `-"];
    told.iter().any(|told| {
        let mut places = text.match_indices(told);
        places.any(|(at, told)| foreign(&text[at + told.len()..]))
    })
}

/// Returns the flags of the environment without those that deny or forbid lints, joined as Cargo
/// expects them. Flags in configuration files are overridden completely, because Cargo can't be
/// asked for them.
fn flags_without_denials() -> String {
    let encoded = std::env::var("CARGO_ENCODED_RUSTFLAGS");
    let plain = std::env::var("RUSTFLAGS").unwrap_or_default();
    match &encoded {
        Ok(encoded) => without_denials(encoded.split('\x1f')),
        Err(_) => without_denials(plain.split_whitespace()),
    }
}

fn without_denials<'f>(flags: impl Iterator<Item = &'f str>) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut flags = flags.filter(|flag| !flag.is_empty());
    while let Some(flag) = flags.next() {
        if ["-D", "-F", "--deny", "--forbid"].contains(&flag) {
            // The lint in question.
            flags.next();
        } else if !["-D", "-F", "--deny=", "--forbid="]
            .iter()
            .any(|denial| flag.starts_with(denial))
        {
            kept.push(flag);
        }
    }
    kept.join("\x1f")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_are_taken_out_of_flags_and_nothing_else() {
        let flags = "-C target-cpu=native -D warnings -Dunused --deny=x -F y --cfg Debug -Wall";
        let kept = without_denials(flags.split(' '));
        assert_eq!(kept, "-C\x1ftarget-cpu=native\x1f--cfg\x1fDebug\x1f-Wall");
        assert!(says_denied(
            "  = note: `-D unused-variables` implied by `-D warnings`\n"
        ));
        for own in [
            "  = note: `#[deny(x)]` on by default\n",
            "  = note: requested on the command line with `-D unused-must-use`\n",
        ] {
            assert!(!says_denied(own), "{own}");
        }
    }
}
