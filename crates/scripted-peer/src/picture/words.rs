//! Describes the drawing in words.

use std::fmt::Write as _;
use std::time::Duration;

use crate::account::{Account, Arrow, Program, moment};

/// Says how a program ended, unless the check ended it.
pub(super) fn ending(program: &Program) -> String {
    let exit = program
        .exit
        .map(|(exit, _)| format!("{} {exit}", program.name));
    exit.unwrap_or_default()
}

/// Formats a time: `100 ms`, `2 s`, `2.5 s`.
pub(super) fn length(time: Duration) -> String {
    match time.as_millis() {
        ms if ms < 1000 => format!("{ms} ms"),
        ms if ms % 1000 < 50 => format!("{} s", ms / 1000),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// Returns a description of the drawing, for readers who can't see it.
pub(super) fn description(account: &Account) -> String {
    let mut text = String::from("A sequence diagram, time downwards.");
    for line in &account.lines {
        let verb = line.arrow.map_or("", Arrow::verb);
        let line_words = format!("{} {verb}{}", line.who, line.words);
        let _ = write!(text, " {}: {}", moment(line.at), line_words.trim_start());
        if !line.remark.is_empty() {
            let _ = write!(text, ", {}", line.remark);
        }
        text.push('.');
    }
    let failure = &account.failure;
    let _ = write!(text, " Expected {}, got {}.", failure.expected, failure.got);
    if let Some(mark) = &failure.mark {
        let _ = write!(text, " The mark says: {}.", mark.2);
    }
    text
}

/// Turns a test's name into a sentence.
pub(super) fn in_words(test: &str) -> String {
    let name = test.rsplit("::").next().unwrap_or(test);
    name.replace('_', " ")
}
