//! The paper, in a wide and a narrow format, and the strokes and letters of the drawing.
//!
//! Colors are variables of the page around the drawing, so the drawing follows the page's theme,
//! even in the book.

use std::fmt::Write as _;

/// Measures of a drawing, in pixels at full size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paper {
    pub name: &'static str,
    pub width: f64,
    /// Where the column of times ends, and the lanes may begin.
    pub gutter: f64,
    pub first_lane: f64,
    pub program: f64,
    /// The largest number of lanes for peers.
    pub lanes: usize,
    /// The size of letters.
    pub letter: f64,
    /// Where the program's output is placed: next to its lane, or before it.
    pub output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    Beside,
    Before,
}

pub(super) const WIDE: Paper = Paper {
    name: "wide",
    width: 760.0,
    gutter: 70.0,
    first_lane: 120.0,
    program: 500.0,
    lanes: 6,
    letter: 12.5,
    output: Output::Beside,
};

pub(super) const NARROW: Paper = Paper {
    name: "narrow",
    width: 360.0,
    gutter: 62.0,
    first_lane: 88.0,
    program: 326.0,
    lanes: 3,
    letter: 11.5,
    output: Output::Before,
};

/// The colors, as variables of the page.
pub(super) const PLAIN: &str = "var(--peer-fg)";
pub(super) const DIM: &str = "var(--peer-dim)";
pub(super) const GROUND: &str = "var(--peer-ground)";
pub(super) const SENT: &str = "var(--peer-sent)";
pub(super) const CARD: &str = "var(--peer-card)";
pub(super) const EDGE: &str = "var(--peer-edge)";
pub(super) const GOT: &str = "var(--peer-got)";
pub(super) const GOOD: &str = "var(--peer-good)";
pub(super) const BAD: &str = "var(--peer-bad)";
pub(super) const SIGNAL: &str = "var(--peer-signal)";

/// How letters look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub color: &'static str,
    pub size: f64,
    /// Whether all letters have the same width, as in bytes and output.
    pub is_mono: bool,
}

/// Which part of a text is at its position: its start, its middle or its end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Paper {
    pub fn bytes(&self, color: &'static str) -> Style {
        Style {
            color,
            size: self.letter,
            is_mono: true,
        }
    }

    pub fn words(&self, color: &'static str) -> Style {
        Style {
            color,
            size: self.letter,
            is_mono: false,
        }
    }
}

impl Style {
    /// Returns how many letters fit into this width.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a paper has room for a few hundred letters, and not for less than none"
    )]
    pub fn letters(&self, width: f64) -> usize {
        (width / self.width(1)).max(8.0) as usize
    }

    /// Returns how wide this many letters are. For words it is an approximation, because their
    /// letters differ in width.
    pub fn width(&self, letters: usize) -> f64 {
        self.size * number(letters) * if self.is_mono { 0.603 } else { 0.53 }
    }
}

/// Converts a small number, to calculate with widths and heights.
#[expect(clippy::cast_precision_loss, reason = "lines and letters are few")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}

/// Returns the text, cut to this many letters with `…` if it is longer.
pub(super) fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(letters.saturating_sub(1)).collect();
    kept + "…"
}

/// Breaks the text into lines of this many letters, after a space or a slash if there is one.
pub(super) fn wrap(text: &str, letters: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while rest.len() > letters {
        // A space may be where no one sees it, after the line.
        let space = rest[..=letters].iter().rposition(|c| *c == ' ');
        let slash = rest[..letters].iter().rposition(|c| *c == '/');
        let end = space.max(slash).filter(|end| *end > letters / 2);
        let next = rest.split_off(end.map_or(letters, |end| end + 1));
        lines.push(rest.into_iter().collect());
        rest = next;
    }
    lines.push(rest.into_iter().collect());
    lines
}

/// The strokes and texts of a drawing, as SVG.
pub(super) struct Strokes {
    pub svg: String,
    /// The color of the outline around letters.
    ground: &'static str,
}

impl Strokes {
    pub fn on(ground: &'static str) -> Self {
        Self {
            svg: String::new(),
            ground,
        }
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), color: &str, more: &str) {
        let _ = writeln!(
            self.svg,
            r#"<path d="M{:.1} {:.1}L{:.1} {:.1}" stroke="{color}" fill="none"{more}/>"#,
            from.0, from.1, to.0, to.1
        );
    }

    pub fn path(&mut self, path: &str, color: &str, more: &str) {
        let _ = writeln!(
            self.svg,
            r#"<path d="{path}" stroke="{color}" fill="none"{more}/>"#
        );
    }

    /// Draws a box with round corners between two corner points.
    pub fn card(&mut self, from: (f64, f64), to: (f64, f64), edge: &str) {
        let (width, height) = (to.0 - from.0, to.1 - from.1);
        let _ = writeln!(
            self.svg,
            r#"<rect x="{:.1}" y="{:.1}" width="{width:.1}" height="{height:.1}" rx="5" fill="{CARD}" stroke="{edge}"/>"#,
            from.0, from.1
        );
    }

    pub fn dot(&mut self, x: f64, y: f64, radius: f64, color: &str) {
        let _ = writeln!(
            self.svg,
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{color}"/>"#
        );
    }

    /// Writes a time next to the drawing.
    pub fn time(&mut self, paper: &Paper, text: &str, y: f64) {
        let style = Style {
            size: paper.letter - 1.5,
            ..paper.words(DIM)
        };
        self.write((paper.gutter - 7.0, y + 4.0), Anchor::End, &[(text, style)]);
    }

    /// Writes one line of text, outlined in the background's color so that it can be read over a
    /// stroke.
    pub fn write(&mut self, (x, y): (f64, f64), anchor: Anchor, runs: &[(&str, Style)]) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = write!(
            self.svg,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" stroke="{}" stroke-width="4" stroke-linejoin="round" paint-order="stroke" xml:space="preserve">"#,
            self.ground
        );
        for (text, style) in runs {
            let Style { color, size, .. } = style;
            let font = if style.is_mono { MONO } else { "" };
            let text = escape(text);
            let _ = write!(
                self.svg,
                r#"<tspan fill="{color}" font-size="{size}"{font}>{text}</tspan>"#
            );
        }
        self.svg.push_str("</text>\n");
    }
}

const MONO: &str =
    " font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\"";

/// Escapes a text for HTML and SVG.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_at_spaces_or_where_they_must() {
        assert_eq!(wrap("00 00 00 05 h e", 8), ["00 00 00 ", "05 h e"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("on /tmp/a/socket", 12), ["on /tmp/a/", "socket"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
    }
}
