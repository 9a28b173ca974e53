//! The drawing: a lane for each peer and for the program, with time running downwards and arrows
//! for what was sent between them.

use super::backdrop::{Backdrop, TOP};
use super::difference;
use super::items::{Item, Piece, Placed, items, needs_words};
use super::lanes::Lanes;
use super::paper::{
    Anchor, BAD, DIM, GROUND, Output, PLAIN, Paper, Strokes, Style, cut, escape, number, wrap,
};
use super::scale::{Moment, Scale};
use super::shape::Shape;
use super::words::{description, ending, in_words};
use crate::account::{Account, Arrow, Line, Program, Said, moment};

/// How many lines of the drawing one line of output may occupy.
const OUTPUT_LINES: usize = 3;
/// The distance between two of these lines.
const LINE: f64 = 15.0;

struct Drawing<'a> {
    account: &'a Account,
    paper: Paper,
    lanes: Lanes,
    strokes: Strokes,
}

/// Returns one `<svg>`, in which every id begins with `id`.
pub(super) fn draw(account: &Account, paper: Paper, id: &str) -> String {
    let drawing = Drawing {
        account,
        paper,
        lanes: Lanes::new(account, &paper),
        strokes: Strokes::on(GROUND),
    };
    drawing.finish(&items(account), id)
}

impl Drawing<'_> {
    fn finish(mut self, items: &[Placed<'_>], id: &str) -> String {
        let moments: Vec<Moment> = items.iter().map(|placed| self.room(placed)).collect();
        let scale = Scale::new(&moments, TOP);
        let backdrop = Backdrop {
            account: self.account,
            paper: &self.paper,
            lanes: &self.lanes,
            items,
            scale: &scale,
        };
        backdrop.draw(&mut self.strokes);
        let bottom = backdrop.bottom();
        for (placed, y) in items.iter().zip(&scale.heights) {
            if let Some(at) = placed.shows {
                self.strokes.time(&self.paper, &moment(at), *y);
            }
            self.item(&placed.item, *y);
        }
        let failure = &self.account.failure;
        let height = difference::draw(&mut self.strokes, &self.paper, failure, bottom + 12.0);
        let Paper { name, width, .. } = self.paper;
        let title = format!("{}: what happened, in time", in_words(&self.account.test));
        format!(
            "<svg class=\"{name}\" viewBox=\"0 0 {width} {height:.0}\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-desc\" xmlns=\"http://www.w3.org/2000/svg\">\n\
             <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n{}</svg>\n",
            escape(&title),
            escape(&description(self.account)),
            self.strokes.svg
        )
    }

    /// Returns how much room an item needs above and below its height.
    fn room(&self, placed: &Placed<'_>) -> Moment {
        let more = |lines: usize| LINE * number(lines - 1);
        let (above, below) = match &placed.item {
            Item::Line(line) => match Shape::of(line) {
                Shape::Note => (16.0, 10.0 + more(self.note_lines(line).len())),
                Shape::Refusal => (30.0, 10.0 + more(self.note_lines(line).len())),
                Shape::Bytes if !self.fits(line) && !line.remark.is_empty() => (24.0, 19.0),
                _ if line.remark.is_empty() => (24.0 + more(self.words_lines(line).len()), 8.0),
                _ => (24.0, 8.0),
            },
            Item::Part(piece) => (
                match (piece.is_first, needs_words(piece.line)) {
                    (true, true) => 30.0,
                    (true, false) => 18.0,
                    _ => 9.0,
                },
                if piece.is_last && piece.line.arrow == Some(Arrow::ToPeer) {
                    20.0
                } else {
                    6.0
                },
            ),
            Item::Begin(_) => (10.0, 6.0),
            Item::Done(_) => (14.0, 8.0),
            Item::Fold(..) => (14.0, 10.0),
            Item::Said(program, said) => {
                let lines = self.output_lines(&self.said(program, said));
                (15.0, 8.0 + more(lines.len()))
            }
            Item::Exit(program) => (16.0, 10.0 + more(self.output_lines(&ending(program)).len())),
            Item::Failure => (22.0, 0.0),
        };
        Moment {
            at: placed.at,
            above,
            below,
            is_cut: placed.is_cut,
        }
    }

    fn item(&mut self, item: &Item<'_>, y: f64) {
        let x = self.paper.program;
        match item {
            Item::Line(line) => match Shape::of(line) {
                Shape::Note => self.note(line, y),
                Shape::Refusal => self.refusal(line, y),
                _ => self.arrow(line, y),
            },
            // With the lanes.
            Item::Begin(_) => {}
            Item::Part(piece) => self.part(piece, y),
            Item::Done(line) => self.remark(line, y),
            Item::Fold(hidden, what) => self.fold(*hidden, what, y),
            Item::Said(program, said) => {
                self.strokes.dot(x, y, 3.0, PLAIN);
                self.output(&self.said(program, said), y, self.paper.bytes(PLAIN));
            }
            Item::Exit(program) => {
                let (left, right) = ((x - 9.0, y), (x + 9.0, y));
                self.strokes
                    .line(left, right, PLAIN, r#" stroke-width="3""#);
                self.output(&ending(program), y, self.paper.words(PLAIN));
            }
            Item::Failure => {
                let (left, right) = ((self.paper.gutter + 2.0, y), (x + 14.0, y));
                self.strokes.line(left, right, BAD, r#" stroke-width="2""#);
                self.strokes.dot(left.0, y, 4.0, BAD);
            }
        }
    }

    /// Returns the positions of the lanes between which an arrow goes.
    fn way(&self, line: &Line) -> (f64, f64) {
        let (lane, program) = (self.lanes.x(line), self.paper.program);
        let is_to_peer = line.arrow == Some(Arrow::ToPeer) || line.words.starts_with("accepted");
        if is_to_peer {
            (program, lane)
        } else {
            (lane, program)
        }
    }

    /// Whether bytes and their number fit side by side on their arrow.
    fn fits(&self, line: &Line) -> bool {
        let words = self.lanes.name(line, &line.words).chars().count();
        let bytes = self.paper.bytes(PLAIN).width(words);
        let remark = self.paper.words(DIM).width(line.remark.chars().count() + 2);
        bytes + remark < self.paper.program - self.lanes.x(line) - 24.0
    }

    fn arrow(&mut self, line: &Line, y: f64) {
        let shape = Shape::of(line);
        let color = shape.color(line);
        let way = self.way(line);
        shape.draw(&mut self.strokes, way, y, color);
        let words = self.lanes.name(line, &line.words);
        let dim = self.paper.words(DIM);
        if line.remark.is_empty() {
            let lines = self.words_lines(line);
            for (index, words) in lines.iter().rev().enumerate() {
                let y = y - 6.0 - LINE * number(index);
                self.label(line, y, &[(words.trim_end(), self.paper.words(color))]);
            }
        } else if self.fits(line) {
            let remark = format!("  {}", line.remark);
            let runs = [(words.as_str(), self.paper.bytes(color)), (&remark, dim)];
            self.label(line, y - 6.0, &runs);
        } else {
            self.label(line, y - 6.0, &[(&words, self.paper.bytes(color))]);
            self.label(line, y + 15.0, &[(&line.remark, dim)]);
        }
    }

    /// Breaks words without bytes into lines.
    fn words_lines(&self, line: &Line) -> Vec<String> {
        let room = self.paper.program - self.paper.first_lane - 24.0;
        let letters = self.paper.words(DIM).letters(room);
        wrap(&self.lanes.name(line, &line.words), letters)
    }

    fn part(&mut self, piece: &Piece<'_>, y: f64) {
        let line = piece.line;
        let bytes = self.paper.bytes(Shape::Bytes.color(line));
        let way = self.way(line);
        Shape::Bytes.draw(&mut self.strokes, way, y, bytes.color);
        self.label(line, y + 4.0, &[(piece.words, bytes)]);
        if piece.is_first && needs_words(line) {
            let words = self.lanes.name(line, &line.words);
            self.label(line, y - 12.0, &[(&words, bytes)]);
        }
        if piece.is_last && line.arrow == Some(Arrow::ToPeer) {
            self.remark(line, y + 15.0);
        }
    }

    /// Writes the remark about a run that was sent or received in pieces.
    fn remark(&mut self, line: &Line, y: f64) {
        let remark = self.lanes.name(line, &line.remark);
        self.label(line, y + 4.0, &[(&remark, self.paper.words(DIM))]);
    }

    /// Writes on an arrow: in its middle if the text fits there, and otherwise before its right
    /// end.
    fn label(&mut self, line: &Line, y: f64, runs: &[(&str, Style)]) {
        let (from, to) = (self.lanes.x(line), self.paper.program);
        let width: f64 = runs
            .iter()
            .map(|(text, style)| style.width(text.chars().count()))
            .sum();
        if width < to - from - 24.0 {
            return self
                .strokes
                .write((f64::midpoint(from, to), y), Anchor::Middle, runs);
        }
        let room = to - self.paper.first_lane - 20.0;
        let cut = |(text, style): &(&str, Style)| cut(text, style.letters(room));
        let texts: Vec<String> = runs.iter().map(cut).collect();
        let styles = runs.iter().map(|(_, style)| *style);
        let runs: Vec<_> = texts.iter().map(String::as_str).zip(styles).collect();
        self.strokes.write((to - 12.0, y), Anchor::End, &runs);
    }

    fn note_lines(&self, line: &Line) -> Vec<String> {
        let room = self.paper.program - self.lanes.x(line) - 16.0;
        let letters = self.paper.words(DIM).letters(room);
        wrap(&self.lanes.name(line, &line.words), letters)
    }

    /// Writes next to its lane what a peer or the program does alone.
    fn note(&mut self, line: &Line, y: f64) {
        let x = self.lanes.x(line);
        let style = self.paper.words(Shape::of(line).color(line));
        self.strokes.dot(x, y, 3.5, DIM);
        for (index, words) in self.note_lines(line).iter().enumerate() {
            let y = y + 4.0 + LINE * number(index);
            self.strokes
                .write((x + 9.0, y), Anchor::Start, &[(words.trim_end(), style)]);
        }
    }

    /// Draws a refused connection: nothing is listening, so the arrow doesn't reach the lane.
    fn refusal(&mut self, line: &Line, y: f64) {
        self.note(line, y);
        let way = self.way(line);
        Shape::Refusal.draw(&mut self.strokes, way, y - 16.0, BAD);
    }

    fn fold(&mut self, hidden: usize, what: &str, y: f64) {
        let x = f64::midpoint(self.paper.first_lane, self.paper.program);
        let text = format!("… {hidden} {what} …");
        self.strokes.write(
            (x, y + 4.0),
            Anchor::Middle,
            &[(&text, self.paper.words(DIM))],
        );
    }

    fn said(&self, program: &Program, said: &Said) -> String {
        if self.account.programs.len() > 1 {
            format!("{}: {}", program.name, said.words)
        } else {
            said.words.clone()
        }
    }

    fn output_lines(&self, words: &str) -> Vec<String> {
        let letters = self.paper.bytes(PLAIN).letters(match self.paper.output {
            Output::Beside => self.paper.width - self.paper.program - 16.0,
            Output::Before => self.paper.program - self.paper.gutter - 22.0,
        });
        let mut lines = wrap(words, letters);
        if lines.len() > OUTPUT_LINES {
            lines.truncate(OUTPUT_LINES);
            let last = format!("{}…", lines[OUTPUT_LINES - 1].trim_end());
            lines[OUTPUT_LINES - 1] = cut(&last, letters);
        }
        lines
    }

    fn output(&mut self, words: &str, y: f64, style: Style) {
        let lines = self.output_lines(words);
        let letters = lines.iter().map(|line| line.trim_end().chars().count());
        let (x, anchor) = match self.paper.output {
            Output::Beside => (self.paper.program + 14.0, Anchor::Start),
            Output::Before if lines.len() == 1 => (self.paper.program - 12.0, Anchor::End),
            Output::Before => {
                let width = style.width(letters.max().unwrap_or_default());
                (self.paper.program - 12.0 - width, Anchor::Start)
            }
        };
        for (index, line) in lines.iter().enumerate() {
            let y = y + 4.0 + LINE * number(index);
            self.strokes
                .write((x, y), anchor, &[(line.trim_end(), style)]);
        }
    }
}
