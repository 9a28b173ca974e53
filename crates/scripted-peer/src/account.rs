//! What a failed check reports. It is selected, shortened and worded here, once, for the text
//! (`report`) and the drawing (`picture`), so that these can't disagree.

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
/// How many lines of a program's output are shown: the last ones.
const OUTPUT: usize = 14;
/// If a test started many programs, the output of how many is shown: of those started last.
const PROGRAMS: usize = 8;
/// How long to wait for a program that may be about to exit, so that its last lines are in the
/// report. The second constant applies if the program gets no CPU time on a busy machine.
const LAST_WORDS: Duration = Duration::from_millis(150);
const LAST_WORDS_BUSY: Duration = Duration::from_secs(2);
/// How long to wait for output that a program has written but that has not been read yet, if the
/// program keeps running.
const OUTPUT_DRAIN: Duration = Duration::from_millis(10);

pub(crate) struct Account {
    /// The name of the test.
    pub test: String,
    /// The events shown: if the timeline is long, only its beginning and its end.
    pub lines: Vec<Line>,
    /// The gap in `lines`: after how many lines it is, and how many are left out.
    pub hidden: (usize, usize),
    pub failure: Failure,
    /// When the check failed.
    pub failed: Duration,
    /// How many programs were started before those that are shown.
    pub programs_before: usize,
    pub programs: Vec<Program>,
    /// Why the check failed; and, in `section`, where to read more.
    pub sentence: Option<String>,
    pub section: Option<String>,
    /// The `todo!` that a program ran into. If there is one, only that is reported.
    pub unsolved: Option<Unsolved>,
}

/// One thing that happened, in words.
pub(crate) struct Line {
    pub at: Duration,
    /// When it began, if it lasted for some time.
    pub began: Duration,
    pub peer: Option<usize>,
    /// `peer`, or `peer 2` if there are several; empty if the line isn't about a peer.
    pub who: String,
    pub arrow: Option<Arrow>,
    pub words: String,
    /// For a run of bytes, how many there were.
    pub remark: String,
    pub pieces: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrow {
    ToProgram,
    ToPeer,
}

/// One of the pieces in which a run of bytes was sent or received.
pub(crate) struct Part {
    pub at: Duration,
    pub words: String,
    /// Whether the text shows the piece's bytes, and not just how many there were.
    pub is_spelled: bool,
}

/// What is shown about a program.
pub(crate) struct Program {
    /// `program`, or `program 2` if there are several.
    pub name: String,
    /// How many lines of output are left out.
    pub skipped: usize,
    pub output: Vec<Said>,
    /// How and when the program ended, unless the check ended it.
    pub exit: Option<(Exit, Duration)>,
}

/// A line of a program's output, quoted.
pub(crate) struct Said {
    pub at: Duration,
    pub words: String,
}

impl Account {
    /// Selects what to report. Waits for the last lines of programs that are about to exit.
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

/// Returns the sentence that explains the failure, and the section of the book that it links to. If
/// the check has a sentence of its own about starting the program, that comes first. If the program
/// ended, or refused the first client's connection, before any byte was exchanged, that fact is
/// shown before any other sentence.
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

/// Whether a program printed a line that begins with `beginning`.
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

/// Returns the lines to show, and the gap between them: after how many lines it is, and how many
/// are hidden.
fn lines(state: &State) -> (Vec<Line>, (usize, usize)) {
    let events = &state.events;
    let notation = Notation::of(state);
    let hidden = events.len().saturating_sub(FIRST + LAST);
    let first = if hidden > 0 { FIRST } else { events.len() };
    let shown = events[..first].iter().chain(&events[first + hidden..]);
    let lines = shown.map(|event| Line::new(event, &notation)).collect();
    (lines, (first, hidden))
}

/// How bytes and peers are written: the same in all lines of one timeline.
struct Notation {
    /// There is more than one peer, so each is shown with its number.
    many: bool,
    /// All bytes of the timeline are text, so they are shown as text.
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

/// Splits a run into its pieces: a short run is shown byte by byte, a long one by the lengths of
/// its pieces.
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
    /// The words of a line before what it shows, from the peer's point of view.
    pub fn verb(self) -> &'static str {
        match self {
            Self::ToProgram => "sends ",
            Self::ToPeer => "gets ",
        }
    }

    /// The arrow as the text shows it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::ToProgram => "->",
            Self::ToPeer => "<-",
        }
    }
}

/// Formats a time: `2.5 ms`.
pub(crate) fn moment(at: Duration) -> String {
    format!("{:.1} ms", at.as_secs_f64() * 1000.0)
}

/// Returns the workspace's folder: the nearest one above the package under test that contains the
/// book.
pub(crate) fn root() -> Option<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let package = package.or_else(|| std::env::current_dir().ok())?;
    package
        .ancestors()
        .find(|folder| folder.join("docs/src").is_dir())
        .map(Path::to_path_buf)
}
