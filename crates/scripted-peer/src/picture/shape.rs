//! What an arrow looks like. Bytes, a new connection, and each kind of ending have their own shape.

use super::paper::{BAD, DIM, GOT, SENT, SIGNAL, Strokes};
use crate::account::{Arrow, Line};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Bytes,
    /// A connection being established.
    Open,
    /// The end of a stream: an arrow that ends in a bar.
    End,
    /// A reset: a broken line, crossed out.
    Reset,
    /// A refusal: a broken line that doesn't reach the other lane.
    Refusal,
    /// A signal or standard input, which go from the check to the program without a connection.
    Signal,
    /// An event that isn't drawn as an arrow.
    Note,
}

/// How the text of an event begins that doesn't reach the other side, or that breaks the
/// connection.
const BROKEN: [&str; 3] = ["a reset", "a refusal", "failed"];

impl Shape {
    pub fn of(line: &Line) -> Self {
        let starts = |words: &str| line.words.starts_with(words);
        match (line.arrow, line.peer) {
            (Some(_), _) if !line.remark.is_empty() => Self::Bytes,
            (Some(_), _) if starts("end of stream") => Self::End,
            (Some(_), _) if BROKEN.into_iter().any(starts) => Self::Reset,
            (Some(_), _) => Self::Bytes,
            (None, Some(_)) if starts("connected to") || starts("accepted a") => Self::Open,
            (None, Some(_)) if starts("closes") => Self::End,
            (None, _) if line.words.contains("a refusal") => Self::Refusal,
            (None, None) if starts("SIG") || starts("program's standard input") => Self::Signal,
            (None, _) => Self::Note,
        }
    }

    pub fn color(self, line: &Line) -> &'static str {
        match (self, line.arrow) {
            (Self::Reset | Self::Refusal, _) => BAD,
            (Self::Signal, _) => SIGNAL,
            (Self::Open | Self::Note, _) => DIM,
            (_, Some(Arrow::ToPeer)) => GOT,
            _ => SENT,
        }
    }

    /// Draws an arrow from one lane to another.
    pub fn draw(self, strokes: &mut Strokes, (from, to): (f64, f64), y: f64, color: &str) {
        let right = if to > from { 1.0 } else { -1.0 };
        let start = from + right * 4.0;
        let tip = match self {
            Self::Refusal => f64::midpoint(from, to),
            // The bar doesn't touch the lane.
            Self::End => to - right * 7.0,
            _ => to - right * 4.0,
        };
        let cross = tip - right * 6.0;
        let is_broken = matches!(self, Self::Reset | Self::Refusal);
        let end = if is_broken { cross - right * 8.0 } else { tip };
        strokes.line((start, y), (end, y), color, self.stroke());
        if is_broken {
            let cross = format!("M{:.1} {:.1}l11 11m0 -11l-11 11", cross - 5.5, y - 5.5);
            return strokes.path(&cross, color, r#" stroke-width="2.6""#);
        }
        let back = tip - right * 8.0;
        let (above, below) = (y - 5.0, y + 5.0);
        let head = format!("M{back:.1} {above:.1}L{tip:.1} {y:.1}L{back:.1} {below:.1}");
        strokes.path(&head, color, r#" stroke-width="1.6""#);
        if self == Self::End {
            let (above, below) = ((tip, y - 8.0), (tip, y + 8.0));
            strokes.line(above, below, color, r#" stroke-width="3.5""#);
        }
    }

    fn stroke(self) -> &'static str {
        match self {
            Self::Reset | Self::Refusal => r#" stroke-width="1.6" stroke-dasharray="6 4""#,
            Self::Open => r#" stroke-width="1.2" stroke-dasharray="2 3""#,
            Self::Signal => r#" stroke-width="2.4""#,
            _ => r#" stroke-width="1.6""#,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::peer::Ending;

    fn line(arrow: Option<Arrow>, words: &str) -> Line {
        Line {
            at: Duration::ZERO,
            began: Duration::ZERO,
            peer: arrow.map(|_| 1),
            who: String::new(),
            arrow,
            words: words.to_owned(),
            remark: String::new(),
            pieces: Vec::new(),
        }
    }

    #[test]
    fn endings_do_not_look_like_bytes_and_not_like_each_other() {
        let came = |ending: Ending| Shape::of(&line(Some(Arrow::ToPeer), &ending.to_string()));
        assert_eq!(came(Ending::End), Shape::End);
        assert_eq!(came(Ending::Reset), Shape::Reset);
        let refused = format!("a peer that connects gets {}", Ending::Refusal);
        assert_eq!(Shape::of(&line(None, &refused)), Shape::Refusal);
        // Silence isn't an arrow: time passes.
    }
}
