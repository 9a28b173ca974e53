//! Prints a failed check: the timeline, the difference, the program's output, the sentence that
//! explains the failure, and where to read more. `account` decides what is reported.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use crate::account::{Account, Line, Program, moment};
use crate::exit::Unsolved;
use crate::failure::Failure;

/// Returns the complete verdict, ready to print. `picture` is the file that shows the same as a
/// drawing.
pub(crate) fn verdict(account: &Account, picture: Option<&str>) -> String {
    let paint = Paint::choose();
    if let Some(unsolved) = &account.unsolved {
        return unsolved_text(unsolved, &paint);
    }
    let mut out = String::from("\n");
    timeline(&mut out, account);
    difference(&mut out, &account.failure, &paint);
    if account.programs_before > 0 {
        let _ = writeln!(out, "   … {} programs before …", account.programs_before);
    }
    for program in &account.programs {
        output(&mut out, program);
    }
    if let Some(sentence) = &account.sentence {
        let _ = writeln!(out, " {}{sentence}{}", paint.bold, paint.plain);
    }
    if let Some(section) = &account.section {
        let _ = writeln!(out, " {section}");
    }
    if let Some(picture) = picture {
        let _ = writeln!(out, " The same as a picture: {picture}");
    }
    out
}

fn unsolved_text(unsolved: &Unsolved, paint: &Paint) -> String {
    let mut parts = unsolved.place.split(':');
    let file = parts.next().unwrap_or_default();
    let line = parts.next().unwrap_or("1");
    let message = match unsolved.message.as_str() {
        "" => "(it doesn't say)",
        message => message,
    };
    let readme = file.replace("src/main.rs", "README.md");
    format!(
        "\n {}This exercise isn't solved yet: open {file}:{line}{}\n \
         What is left to do there:\n\n     {}\n\n The task: {readme}\n",
        paint.bold, paint.plain, message
    )
}

fn timeline(out: &mut String, account: &Account) {
    let (place, hidden) = account.hidden;
    for (index, shown) in account.lines.iter().enumerate() {
        if hidden > 0 && index == place {
            let _ = writeln!(out, "           … {hidden} more …");
        }
        let _ = writeln!(out, "{}", line(shown));
    }
}

fn line(line: &Line) -> String {
    let (at, who, words, remark) = (moment(line.at), &line.who, &line.words, &line.remark);
    let mut text = format!("{at:>10}  {who}");
    match line.arrow {
        None if who.is_empty() => {}
        None => text.push_str("  "),
        Some(arrow) => {
            let gap = if who.is_empty() { "" } else { " " };
            let _ = write!(text, "{gap}{} ", arrow.sign());
        }
    }
    if remark.is_empty() {
        text + words
    } else {
        format!("{text}{words:<24}  {remark}")
    }
}

fn difference(out: &mut String, failure: &Failure, paint: &Paint) {
    let Paint {
        good, bad, plain, ..
    } = paint;
    let _ = writeln!(
        out,
        "           expected   {good}{}{plain}",
        failure.expected
    );
    let _ = writeln!(out, "           got        {bad}{}{plain}", failure.got);
    if let Some(mark) = &failure.mark {
        let (before, width, note) = &**mark;
        let (gap, mark) = (" ".repeat(*before), "^".repeat(*width));
        let _ = writeln!(out, "                      {gap}{bad}{mark} {note}{plain}");
    }
}

fn output(out: &mut String, program: &Program) {
    let name = &program.name;
    if program.skipped > 0 {
        let _ = writeln!(out, "   {name}: … {} lines before …", program.skipped);
    }
    for said in &program.output {
        let _ = writeln!(out, "   {name}: {}", said.words);
    }
    if let Some((exit, _)) = program.exit {
        let _ = writeln!(out, "   {name} {exit}");
    }
}

/// The colors to print with; empty if the output isn't shown on a terminal.
struct Paint {
    bold: &'static str,
    good: &'static str,
    bad: &'static str,
    plain: &'static str,
}

impl Paint {
    fn choose() -> Self {
        // Cargo captures nothing: a test's output goes to the same place as `cargo test`'s own.
        let wanted = std::io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        if wanted {
            Self {
                bold: "\x1b[1m",
                good: "\x1b[32m",
                bad: "\x1b[31m",
                plain: "\x1b[0m",
            }
        } else {
            Self {
                bold: "",
                good: "",
                bad: "",
                plain: "",
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::account::Arrow;

    #[test]
    fn a_line_says_when_and_who_and_what() {
        let mut shown = Line {
            at: Duration::from_micros(1234),
            began: Duration::ZERO,
            peer: None,
            who: "peer 2".to_owned(),
            arrow: Some(Arrow::ToProgram),
            words: "\"x\"".to_owned(),
            remark: "1 byte".to_owned(),
            pieces: Vec::new(),
        };
        let text = "    1.2 ms  peer 2 -> \"x\"                       1 byte";
        assert_eq!(line(&shown), text);
        shown.remark.clear();
        shown.who.clear();
        assert_eq!(line(&shown), "    1.2 ms  -> \"x\"");
        shown.arrow = None;
        assert_eq!(line(&shown), "    1.2 ms  \"x\"");
        "peer".clone_into(&mut shown.who);
        assert_eq!(line(&shown), "    1.2 ms  peer  \"x\"");
    }
}
