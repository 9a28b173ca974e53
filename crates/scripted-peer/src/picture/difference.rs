//! The part below the drawing: what was expected, what arrived, and the first wrong byte.

use super::paper::{Anchor, BAD, CARD, DIM, EDGE, GOOD, Output, Paper, Strokes, number, wrap};
use crate::failure::Failure;

/// The distance between two lines.
const LINE: f64 = 18.0;
/// The distance from the edge of the card to its content.
const EDGE_ROOM: f64 = 10.0;

/// Draws the difference below `top`, and returns where it ends.
pub(super) fn draw(strokes: &mut Strokes, paper: &Paper, failure: &Failure, top: f64) -> f64 {
    let left = paper.gutter + 2.0;
    let mut inside = Strokes::on(CARD);
    let mut column = Column {
        paper,
        names: left + EDGE_ROOM,
        x: left
            + EDGE_ROOM
            + if paper.output == Output::Beside {
                68.0
            } else {
                0.0
            },
        y: top + 20.0,
    };
    column.name(&mut inside, "expected");
    for line in wrap(&failure.expected, column.letters()) {
        inside.write(
            (column.x, column.y),
            Anchor::Start,
            &[(line.trim_end(), paper.bytes(GOOD))],
        );
        column.y += LINE;
    }
    column.y += 4.0;
    column.name(&mut inside, "got");
    let lines = wrap(&failure.got, column.letters());
    let wrong = failure
        .mark
        .as_ref()
        .map(|mark| (place(&lines, mark.0), mark.1));
    for (row, line) in lines.iter().enumerate() {
        let text = line.trim_end();
        inside.write(
            (column.x, column.y),
            Anchor::Start,
            &[(text, paper.bytes(BAD))],
        );
        if let Some(((_, letter), width)) = wrong.filter(|((at, _), _)| *at == row) {
            column.frame(&mut inside, letter, width);
        }
        column.y += LINE;
    }
    if let Some(mark) = &failure.mark {
        for line in wrap(&format!("↑ {}", mark.2), column.letters()) {
            inside.write(
                (column.x, column.y + 2.0),
                Anchor::Start,
                &[(line.trim_end(), paper.words(BAD))],
            );
            column.y += LINE;
        }
    }
    let bottom = column.y - 4.0;
    strokes.card((left, top), (paper.width - 2.0, bottom), EDGE);
    strokes.svg.push_str(&inside.svg);
    bottom + 2.0
}

/// Where the next line goes.
struct Column<'a> {
    paper: &'a Paper,
    names: f64,
    x: f64,
    y: f64,
}

impl Column<'_> {
    fn letters(&self) -> usize {
        self.paper
            .bytes(BAD)
            .letters(self.paper.width - self.x - EDGE_ROOM)
    }

    /// Writes a name before the line, or on a separate line.
    fn name(&mut self, strokes: &mut Strokes, name: &str) {
        strokes.write(
            (self.names, self.y),
            Anchor::Start,
            &[(name, self.paper.words(DIM))],
        );
        if self.paper.output == Output::Before {
            self.y += LINE - 1.0;
        }
    }

    /// Draws a frame around the first wrong byte.
    fn frame(&self, strokes: &mut Strokes, letter: usize, width: usize) {
        let size = self.paper.bytes(BAD).width(1);
        let from = self.x + size * number(letter);
        let to = from + size * number(width);
        let (left, right, above, below) = (from - 2.0, to + 2.0, self.y - 12.5, self.y + 4.5);
        let frame = format!("M{left:.1} {above:.1}H{right:.1}V{below:.1}H{left:.1}Z");
        strokes.path(&frame, BAD, r#" stroke-width="1.6""#);
    }
}

/// Returns the row and the column of a letter in wrapped lines.
fn place(lines: &[String], letter: usize) -> (usize, usize) {
    let mut before = 0;
    for (row, line) in lines.iter().enumerate() {
        let length = line.chars().count();
        if letter < before + length || row + 1 == lines.len() {
            return (row, letter - before);
        }
        before += length;
    }
    (0, letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_found_in_the_line_that_holds_it() {
        let lines = wrap("00 00 00 05 h e", 8);
        assert_eq!(place(&lines, 0), (0, 0));
        assert_eq!(place(&lines, 10), (1, 1));
        assert_eq!(place(&lines, 15), (1, 6));
    }
}
