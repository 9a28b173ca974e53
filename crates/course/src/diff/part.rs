//! One part of a diff, from its `@@ … @@` to the next. It can be found, extended and written.

use std::ops::Range;

use diffy::{Hunk, Line};

/// A part of a diff: some lines of the base, from line `start` (the first is 0), and what replaces
/// them.
pub(super) struct Part<'t> {
    start: usize,
    lines: Vec<(char, &'t str)>,
}

impl<'t> Part<'t> {
    pub(super) fn of(hunk: &Hunk<'t, str>) -> Self {
        let mark = |line: &Line<'t, str>| match *line {
            Line::Context(line) => (' ', line),
            Line::Delete(line) => ('-', line),
            Line::Insert(line) => ('+', line),
        };
        let range = hunk.old_range();
        Self {
            // As unified diffs count: from 1, and nothing is after the line before it.
            start: range.start() - usize::from(!range.is_empty()),
            lines: hunk.lines().iter().map(mark).collect(),
        }
    }

    fn before(&self) -> impl Iterator<Item = &'t str> {
        let of_base = self.lines.iter().filter(|(mark, _)| *mark != '+');
        of_base.map(|(_, line)| *line)
    }

    fn after(&self) -> impl Iterator<Item = &'t str> {
        let of_wanted = self.lines.iter().filter(|(mark, _)| *mark != '-');
        of_wanted.map(|(_, line)| *line)
    }

    pub(super) fn start(&self) -> usize {
        self.start
    }

    pub(super) fn end(&self) -> usize {
        self.start + self.before().count()
    }

    /// Returns how many lines it adds in total; negative if it removes more.
    pub(super) fn growth(&self) -> isize {
        self.after().count().cast_signed() - self.before().count().cast_signed()
    }

    /// Adds context lines, taken from the `free` lines around the part, until the part's own lines
    /// occur only once in the base.
    pub(super) fn with_place(mut self, base: &[&'t str], free: Range<usize>) -> Self {
        let mut above = true;
        while !self.is_once(base) {
            let (can_above, end) = (self.start > free.start, self.end());
            if can_above && (above || end == free.end) {
                self.start -= 1;
                self.lines.insert(0, (' ', base[self.start]));
            } else if end < free.end {
                self.lines.push((' ', base[end]));
            } else {
                // All that is free: it touches another part, and is joined to it.
                break;
            }
            above = !above;
        }
        self
    }

    fn is_once(&self, base: &[&str]) -> bool {
        let own: Vec<&str> = self.before().collect();
        !own.is_empty() && base.windows(own.len()).filter(|at| *at == own).count() == 1
    }

    /// Whether there is at most one line between this part and the next: the next part's `@@` takes
    /// as much.
    pub(super) fn is_near(&self, next: &Self) -> bool {
        next.start <= self.end() + 1
    }

    pub(super) fn append(&mut self, next: Self, base: &[&'t str]) {
        let between = base[self.end()..next.start].iter();
        self.lines.extend(between.map(|line| (' ', *line)));
        self.lines.extend(next.lines);
    }

    /// Formats it as a part of a unified diff. The parts before it have added `grown` lines in
    /// total.
    pub(super) fn text(&self, base: &str, grown: isize) -> String {
        let (before, after) = (self.before().count(), self.after().count());
        let old = range(self.start, before);
        let new = range(self.start.saturating_add_signed(grown), after);
        let mut text = format!("@@ -{old} +{new} @@");
        if let Some(function) = function_above(base, self.start) {
            text = format!("{text} {function}");
        }
        text.push('\n');
        for (mark, line) in &self.lines {
            // A blank line stays one, so that no editor strips it.
            if (*mark, *line) != (' ', "\n") {
                text.push(*mark);
            }
            text.push_str(line);
            if !line.ends_with('\n') {
                text.push_str("\n\\ No newline at end of file\n");
            }
        }
        text
    }
}

/// Formats a range of lines as unified diffs count them. `start` is the first line's index, from 0.
fn range(start: usize, count: usize) -> String {
    match count {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        _ => format!("{},{count}", start + 1),
    }
}

/// Returns the last item in the first `lines` lines that isn't indented: `fn serve(stream:
/// &TcpStream) -> io::Result<()>`.
fn function_above(base: &str, lines: usize) -> Option<&str> {
    let above: Vec<&str> = base.lines().take(lines).collect();
    let begins = |line: &&&str| line.starts_with(char::is_alphabetic) && line.ends_with(['{', '(']);
    let found = above.iter().rev().find(begins)?;
    Some(found.trim_end_matches(['{', '(', ' ']))
}
