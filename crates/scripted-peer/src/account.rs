//! What a failed check reports: selected, shortened and worded once, for the text (`report`) and
//! for the drawing (`picture`), so that the two cannot disagree.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bytes::{count, show_as};
use crate::chapter;
use crate::event::{Bytes, Event, Piece, What};
use crate::exit::{Exit, Unsolved};
use crate::failure::{Failure, NOT_THERE, early};
use crate::process::Process;
use crate::stream::Printed;
use crate::threads::is_runnable;
use crate::timeline::{State, Timeline};

/// How many events of a long timeline are shown from its beginning and from its end.
const FIRST: usize = 4;
const LAST: usize = 16;
/// How many lines of a program's output are shown, its last ones.
const OUTPUT: usize = 14;
/// Of how many programs the output is shown, where there were many: those that were started last.
const PROGRAMS: usize = 8;
/// How long to wait for a program that may be about to end, so that its last lines are in the
/// report; and how long if it doesn't get CPU time on a busy machine.
const LAST_WORDS: Duration = Duration::from_millis(150);
const LAST_WORDS_BUSY: Duration = Duration::from_secs(2);
/// How long the output of a program that keeps running may take to get here.
const OUTPUT_DRAIN: Duration = Duration::from_millis(10);

pub(crate) struct Account {
    /// The name of the test.
    pub test: String,
    /// What happened; of a long timeline, its beginning and its end.
    pub lines: Vec<Line>,
    /// What is left out: after how many lines, and how many.
    pub hidden: (usize, usize),
    pub failure: Failure,
    /// When that was.
    pub failed: Duration,
    /// Programs that were started before those that are shown.
    pub programs_before: usize,
    pub programs: Vec<Program>,
    /// Why it failed, and where to read more.
    pub sentence: Option<String>,
    pub section: Option<String>,
    /// The `todo!` that a program ran into: nothing else matters then.
    pub unsolved: Option<Unsolved>,
}

/// One thing that happened, in words.
pub(crate) struct Line {
    pub at: Duration,
    /// When it began, if that was earlier.
    pub began: Duration,
    pub peer: Option<usize>,
    /// `peer`, or `peer 2` where there are more than one; or nothing.
    pub who: String,
    pub arrow: Option<Arrow>,
    pub words: String,
    /// Of a run of bytes, how many there were.
    pub remark: String,
    pub pieces: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrow {
    ToProgram,
    ToPeer,
}

/// A part of a run that was sent, or received, in several.
pub(crate) struct Part {
    pub at: Duration,
    pub words: String,
    /// The text shows its bytes, not their number.
    pub is_spelled: bool,
}

/// What is shown of a program.
pub(crate) struct Program {
    /// `program`, or `program 2` where there are more than one.
    pub name: String,
    /// Lines of output that are left out.
    pub skipped: usize,
    pub output: Vec<Said>,
    /// How it ended, if the check did not end it.
    pub exit: Option<(Exit, Duration)>,
}

/// A line of output, quoted.
pub(crate) struct Said {
    pub at: Duration,
    pub words: String,
}

impl Account {
    /// Waits for the last lines of programs that are about to end.
    pub fn new(timeline: &Timeline, failure: &Failure) -> Self {
        let failed = timeline.elapsed();
        let processes = timeline.lock().processes.clone();
        wait_for_last_words(timeline, &processes);
        let state = timeline.lock();
        let (sentence, section) = match (&failure.machine, explanation(&state, failure)) {
            (Some(sentence), _) => (Some(sentence.to_string()), None),
            (None, None) => (None, None),
            (None, Some((sentence, link))) => {
                let section = chapter::section(&link, root().as_deref());
                (Some(sentence), (!link.is_empty()).then_some(section))
            }
        };
        let (lines, hidden) = lines(&state);
        drop(state);
        let many = processes.len() > 1;
        let programs_before = processes.len().saturating_sub(PROGRAMS);
        let shown = processes[programs_before..].iter();
        Self {
            test: timeline.test.clone(),
            lines,
            hidden,
            failure: failure.clone(),
            failed,
            programs_before,
            programs: shown
                .map(|process| Program::new(timeline, process, many))
                .collect(),
            sentence,
            section,
            unsolved: processes.iter().find_map(|process| process.unsolved()),
        }
    }
}

/// What explains the failure, and the section that it links to. A check's own sentence about the
/// start comes first; for a program that ended, or refused the first client, before any byte was
/// exchanged, no other sentence is shown alone.
fn explanation(state: &State, failure: &Failure) -> Option<(String, String)> {
    let told = failure.explanation.as_ref();
    let Some(whole) = told.or(state.explanation.as_ref()) else {
        return Some((failure.otherwise?.to_owned(), String::new()));
    };
    let (sentence, link) = whole.as_ref().clone();
    let of_the_start = told.is_some() && (failure.otherwise.is_some() || failure.refused);
    let passed = |event: &Event| !matches!(event.what, What::Note(_));
    let sentence = if of_the_start || state.events.iter().any(passed) {
        sentence
    } else if failure.ended {
        early(&sentence, says(state, ""))
    } else if failure.refused && state.peers == 0 && says(state, "listening on ") {
        format!("{NOT_THERE} {sentence}")
    } else {
        sentence
    };
    Some((sentence, link))
}

/// Whether a program printed a line that begins so.
fn says(state: &State, beginning: &str) -> bool {
    let printed = |process: &Arc<Process>| {
        let lines = process.lines();
        lines.iter().any(|line| line.text.starts_with(beginning))
    };
    state.processes.iter().any(printed)
}

fn wait_for_last_words(timeline: &Timeline, processes: &[Arc<Process>]) {
    let ended = timeline.lock().ended;
    let start = Instant::now();
    for process in processes {
        process.wait_exit(start + if ended { LAST_WORDS } else { OUTPUT_DRAIN });
        while ended
            && start.elapsed() < LAST_WORDS_BUSY
            && process.exit().is_none()
            && is_runnable(process.pid)
        {
            process.wait_exit(Instant::now() + OUTPUT_DRAIN);
        }
    }
}

impl Program {
    fn new(timeline: &Timeline, process: &Process, many: bool) -> Self {
        let lines = process.lines();
        let skipped = lines.len().saturating_sub(OUTPUT);
        let said = |line: &Printed| Said {
            at: line.at.map_or(Duration::ZERO, |at| timeline.moment(at)),
            words: format!("{:?}", line.text),
        };
        Self {
            name: if many {
                format!("program {}", process.number)
            } else {
                "program".to_owned()
            },
            skipped,
            output: lines[skipped..].iter().map(said).collect(),
            exit: process
                .own_end()
                .map(|(exit, at)| (exit, timeline.moment(at))),
        }
    }
}

/// The lines that are shown, and how many are hidden behind how many.
fn lines(state: &State) -> (Vec<Line>, (usize, usize)) {
    let events = &state.events;
    let notation = Notation::of(state);
    let hidden = events.len().saturating_sub(FIRST + LAST);
    let first = if hidden > 0 { FIRST } else { events.len() };
    let shown = events[..first].iter().chain(&events[first + hidden..]);
    let lines = shown.map(|event| Line::new(event, &notation)).collect();
    (lines, (first, hidden))
}

/// What all lines of one timeline have in common.
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

impl Line {
    fn new(event: &Event, notation: &Notation) -> Self {
        let who = match event.peer {
            Some(number) if notation.many => format!("peer {number}"),
            Some(_) => "peer".to_owned(),
            None => String::new(),
        };
        let line = Self {
            at: event.at,
            began: event.began.min(event.at),
            peer: event.peer,
            who,
            arrow: None,
            words: String::new(),
            remark: String::new(),
            pieces: Vec::new(),
        };
        match &event.what {
            What::Note(text) => line.with_note(text),
            What::Sent(bytes) => line.with_bytes(Arrow::ToProgram, bytes, notation),
            What::Received(bytes) => line.with_bytes(Arrow::ToPeer, bytes, notation),
        }
    }

    fn with_note(self, text: &str) -> Self {
        let after = |arrow: Arrow| text.strip_prefix(arrow.sign())?.strip_prefix(' ');
        let (arrow, words) = match (after(Arrow::ToProgram), after(Arrow::ToPeer)) {
            (Some(words), _) => (Some(Arrow::ToProgram), words),
            (_, Some(words)) => (Some(Arrow::ToPeer), words),
            _ => (None, text),
        };
        Self {
            arrow,
            words: words.to_owned(),
            ..self
        }
    }

    fn with_bytes(self, arrow: Arrow, bytes: &Bytes, notation: &Notation) -> Self {
        let mut words = show_as(&bytes.head, notation.text);
        if bytes.total > bytes.head.len() && !words.ends_with('…') {
            words.push_str(" …");
        }
        let remark = match bytes.remark.as_str() {
            "" => count(bytes.total),
            remark => remark.to_owned(),
        };
        Self {
            arrow: Some(arrow),
            words,
            remark,
            pieces: parts(bytes, notation.text),
            ..self
        }
    }
}

/// The parts of a run: short ones byte by byte, long ones by their lengths.
fn parts(bytes: &Bytes, text: bool) -> Vec<Part> {
    const SHORT: usize = 16;
    if bytes.pieces.len() < 2 {
        return Vec::new();
    }
    let mut begin = 0;
    let part = |piece: &Piece| {
        let end = begin + piece.length;
        let head = bytes.head.get(begin..end);
        let head = head.filter(|head| head.len() <= SHORT);
        begin = end;
        Part {
            at: piece.at,
            is_spelled: head.is_some(),
            words: head.map_or_else(|| count(piece.length), |head| show_as(head, text)),
        }
    };
    bytes.pieces.iter().map(part).collect()
}

impl Arrow {
    /// The peer's part of the line, before what it does.
    pub fn verb(self) -> &'static str {
        match self {
            Self::ToProgram => "sends ",
            Self::ToPeer => "gets ",
        }
    }

    /// As it stands in the text.
    pub fn sign(self) -> &'static str {
        match self {
            Self::ToProgram => "->",
            Self::ToPeer => "<-",
        }
    }
}

/// `2.5 ms`.
pub(crate) fn moment(at: Duration) -> String {
    format!("{:.1} ms", at.as_secs_f64() * 1000.0)
}

/// The workspace's folder: the nearest above the tested package that holds the book.
pub(crate) fn root() -> Option<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let package = package.or_else(|| std::env::current_dir().ok())?;
    package
        .ancestors()
        .find(|folder| folder.join("docs/src").is_dir())
        .map(Path::to_path_buf)
}
