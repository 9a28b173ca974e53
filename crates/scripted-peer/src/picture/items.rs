//! What is drawn, in the order of time.

use std::time::Duration;

use crate::account::{Account, Arrow, Line, Part, Program, Said};

/// How many pieces of a run in many pieces are drawn at its beginning, and how many at its end.
const PARTS: usize = 6;

/// If an event takes longer than this, its beginning is drawn, too.
const LASTS: Duration = Duration::from_millis(10);

/// Something that is drawn at one height.
#[derive(Clone, Copy)]
pub(super) enum Item<'a> {
    Line(&'a Line),
    /// The beginning of an event that lasts.
    Begin(&'a Line),
    Part(Piece<'a>),
    /// The end of a run that was sent in pieces: its last piece has been sent.
    Done(&'a Line),
    /// A gap: how many items are left out here, and what they are.
    Fold(usize, &'static str),
    Said(&'a Program, &'a Said),
    Exit(&'a Program),
    Failure,
}

/// A piece of a run.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub line: &'a Line,
    pub words: &'a str,
    pub is_first: bool,
    pub is_last: bool,
}

pub(super) struct Placed<'a> {
    pub at: Duration,
    /// The moment that is written next to the item, if any.
    pub shows: Option<Duration>,
    pub item: Item<'a>,
    /// Whether something is left out before the item.
    pub is_cut: bool,
}

impl<'a> Placed<'a> {
    fn new(at: Duration, item: Item<'a>) -> Self {
        Self {
            at,
            shows: Some(at),
            item,
            is_cut: false,
        }
    }

    fn fold(at: Duration, hidden: usize, what: &'static str) -> Self {
        Self {
            shows: None,
            ..Self::new(at, Item::Fold(hidden, what))
        }
    }
}

/// Returns everything that is drawn.
pub(super) fn items(account: &Account) -> Vec<Placed<'_>> {
    let mut items = Vec::new();
    let (place, hidden) = account.hidden;
    for (index, line) in account.lines.iter().enumerate() {
        let is_cut = hidden > 0 && index == place;
        if is_cut {
            let fold = Placed::fold(line.began, hidden, "more");
            items.push(Placed { is_cut, ..fold });
        }
        line_items(&mut items, line);
    }
    for program in &account.programs {
        program_items(&mut items, program);
    }
    // What happened at the same moment keeps its order.
    items.sort_by_key(|placed| placed.at);
    items.push(Placed::new(account.failed, Item::Failure));
    items
}

fn line_items<'a>(items: &mut Vec<Placed<'a>>, line: &'a Line) {
    let parts = &line.pieces;
    if parts.is_empty() {
        if line.at.saturating_sub(line.began) > LASTS {
            items.push(Placed {
                shows: None,
                ..Placed::new(line.began, Item::Begin(line))
            });
        }
        return items.push(Placed::new(line.at, Item::Line(line)));
    }
    let last = parts.len() - 1;
    let hidden = parts.len().saturating_sub(2 * PARTS);
    let piece = |index: usize, part: &'a Part| Placed {
        shows: (index == 0).then_some(part.at),
        ..Placed::new(
            part.at,
            Item::Part(Piece {
                line,
                words: &part.words,
                is_first: index == 0,
                is_last: index == last,
            }),
        )
    };
    for (index, part) in parts.iter().enumerate() {
        if hidden > 0 && index == PARTS {
            items.push(Placed::fold(part.at, hidden, "pieces more"));
        }
        if index < PARTS || index >= PARTS + hidden {
            items.push(piece(index, part));
        }
    }
    // A run that was sent is noted at its end, one that was received at its beginning.
    if line.arrow == Some(Arrow::ToProgram) {
        items.push(Placed::new(line.at, Item::Done(line)));
    }
}

fn program_items<'a>(items: &mut Vec<Placed<'a>>, program: &'a Program) {
    if let Some(first) = program.output.first().filter(|_| program.skipped > 0) {
        let what = "lines of output before";
        items.push(Placed::fold(first.at, program.skipped, what));
    }
    let said = |said: &'a Said| Placed::new(said.at, Item::Said(program, said));
    items.extend(program.output.iter().map(said));
    let exit = program
        .exit
        .map(|(_, at)| Placed::new(at, Item::Exit(program)));
    items.extend(exit);
}

/// Whether a run's own text is written above its pieces. It is, if the pieces don't show all bytes,
/// or if the run was received: how it was divided into reads is random then, and only the complete
/// run counts.
pub(super) fn needs_words(line: &Line) -> bool {
    line.arrow == Some(Arrow::ToPeer)
        || line.pieces.len() > 2 * PARTS
        || line.pieces.iter().any(|part| !part.is_spelled)
}
