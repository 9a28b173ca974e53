//! How a timeline is printed when it ends badly: one timeline, the difference, the program's output,
//! the sentence that explains it, and where to read on.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::bytes::{count, show_as};
use crate::chapter;
use crate::event::{Bytes, Event, What};
use crate::exit::Unsolved;
use crate::failure::Failure;
use crate::process::Process;
use crate::threads::is_runnable;
use crate::timeline::{State, Timeline};

/// How many events of a long timeline are shown from its beginning and from its end.
const FIRST: usize = 4;
const LAST: usize = 16;
/// How many lines of a program's output are shown, its last ones.
const OUTPUT: usize = 14;
/// Of how many programs the output is shown, where there were many: those that were started last.
const PROGRAMS: usize = 8;
/// How long a program that may be about to end can take, so that its last words are in the report;
/// and how long where it does not get its turn on a busy machine.
const LAST_WORDS: Duration = Duration::from_millis(150);
const LAST_WORDS_BUSY: Duration = Duration::from_secs(2);
/// How long the output of one that goes on may take to get here.
const OUTPUT_DRAIN: Duration = Duration::from_millis(10);

/// The whole verdict, ready to print.
pub(crate) fn verdict(timeline: &Timeline, failure: &Failure) -> String {
    let processes = timeline.lock().processes.clone();
    let ended = timeline.lock().ended;
    let start = Instant::now();
    for process in &processes {
        process.wait_exit(start + if ended { LAST_WORDS } else { OUTPUT_DRAIN });
        while ended
            && start.elapsed() < LAST_WORDS_BUSY
            && process.exit().is_none()
            && is_runnable(process.pid)
        {
            process.wait_exit(Instant::now() + OUTPUT_DRAIN);
        }
    }
    let paint = Paint::choose();
    if let Some(unsolved) = processes.iter().find_map(|process| process.unsolved()) {
        return unsolved_text(&unsolved, &paint);
    }
    let mut out = String::from("\n");
    lines(&mut out, &timeline.lock());
    difference(&mut out, failure, &paint);
    let hidden = processes.len().saturating_sub(PROGRAMS);
    if hidden > 0 {
        let _ = writeln!(out, "   … {hidden} programs before …");
    }
    for process in &processes[hidden..] {
        output(&mut out, process, processes.len() > 1);
    }
    if let Some(sentence) = &failure.machine {
        let _ = writeln!(out, " {}{sentence}{}", paint.bold, paint.plain);
        return out;
    }
    let explanation = failure
        .explanation
        .clone()
        .or_else(|| timeline.lock().explanation.clone());
    if let Some(explanation) = explanation {
        let (sentence, section) = *explanation;
        let _ = writeln!(out, " {}{sentence}{}", paint.bold, paint.plain);
        if !section.is_empty() {
            let _ = writeln!(out, " {}", chapter::section(&section, root().as_deref()));
        }
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

fn lines(out: &mut String, state: &State) {
    let events = &state.events;
    let notation = Notation::of(state);
    let hidden = events.len().saturating_sub(FIRST + LAST);
    for (index, event) in events.iter().enumerate() {
        if hidden > 0 && index == FIRST {
            let _ = writeln!(out, "           … {hidden} more …");
        }
        if hidden == 0 || index < FIRST || index >= FIRST + hidden {
            let _ = writeln!(out, "{}", line(event, &notation));
        }
    }
}

/// What is common to all lines of one timeline.
struct Notation {
    /// More than one peer: they are numbered.
    many: bool,
    /// All bytes are text: they are shown as text.
    text: bool,
}

impl Notation {
    fn of(state: &State) -> Self {
        let text = |event: &Event| match &event.what {
            What::Note(_) => true,
            What::Sent(bytes) | What::Received(bytes) => bytes.is_text(),
        };
        Self {
            many: state.peers > 1,
            text: state.events.iter().all(text),
        }
    }
}

fn line(event: &Event, notation: &Notation) -> String {
    let at = event.at.as_secs_f64() * 1000.0;
    let who = match event.peer {
        Some(number) if notation.many => format!("peer {number}"),
        Some(_) => "peer".to_owned(),
        None => String::new(),
    };
    match &event.what {
        What::Note(text) if who.is_empty() => format!("{at:7.1} ms  {text}"),
        What::Note(text) if text.starts_with(['-', '<']) => format!("{at:7.1} ms  {who} {text}"),
        What::Note(text) => format!("{at:7.1} ms  {who}  {text}"),
        What::Sent(bytes) => format!("{at:7.1} ms  {who} -> {}", run(bytes, notation)),
        What::Received(bytes) => format!("{at:7.1} ms  {who} <- {}", run(bytes, notation)),
    }
}

fn run(bytes: &Bytes, notation: &Notation) -> String {
    let mut shown = show_as(&bytes.head, notation.text);
    if bytes.total > bytes.head.len() && !shown.ends_with('…') {
        shown.push_str(" …");
    }
    let remark = match bytes.remark.as_str() {
        "" => count(bytes.total),
        remark => remark.to_owned(),
    };
    format!("{shown:<24}  {remark}")
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

fn output(out: &mut String, process: &Process, many: bool) {
    let name = if many {
        format!("program {}", process.number)
    } else {
        "program".to_owned()
    };
    let lines = process.lines();
    let skip = lines.len().saturating_sub(OUTPUT);
    if skip > 0 {
        let _ = writeln!(out, "   {name}: … {skip} lines before …");
    }
    for line in &lines[skip..] {
        let _ = writeln!(out, "   {name}: {line:?}");
    }
    if let Some(exit) = process.exit().filter(|_| !process.was_killed()) {
        let _ = writeln!(out, "   {name} {exit}");
    }
}

/// The workspace's folder: the nearest above the tested package that holds the book.
fn root() -> Option<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let package = package.or_else(|| std::env::current_dir().ok())?;
    package
        .ancestors()
        .find(|folder| folder.join("docs/src").is_dir())
        .map(Path::to_path_buf)
}

/// Colors, or nothing at all where nobody would see them.
struct Paint {
    bold: &'static str,
    good: &'static str,
    bad: &'static str,
    plain: &'static str,
}

impl Paint {
    fn choose() -> Self {
        // Cargo captures nothing: a test's output goes where `cargo test`'s own goes.
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
