//! Where all messages go: standard output, with colors only if someone can see them.
//!
//! Messages are written, not printed with `println!`, so that `cargo learn list | head` ends
//! without a panic.

use std::io::{self, IsTerminal as _, Stdout, Write};

/// Standard output.
pub struct Screen {
    /// `None` is a screen that no one sees.
    out: Option<Stdout>,
    /// Its colors.
    pub paint: Paint,
    /// Whether a line may be written over: only on a terminal.
    terminal: bool,
}

impl Screen {
    /// As it is, with the settings from the environment.
    pub fn stdout() -> Self {
        let out = io::stdout();
        let terminal = out.is_terminal();
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        // Windows' older console prints escape sequences as they are; its newer one sets this.
        let shows = !cfg!(windows)
            || ["WT_SESSION", "TERM"]
                .iter()
                .any(|name| std::env::var_os(name).is_some());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let on = terminal && !refused && shows && !dumb;
        Self {
            out: Some(out),
            paint: Paint { on },
            terminal: terminal && shows && !dumb,
        }
    }

    /// For work in the background: nothing is shown.
    pub fn hidden() -> Self {
        Self {
            out: None,
            paint: Paint { on: false },
            terminal: false,
        }
    }

    /// Shows `text` until something else is written; nothing if it couldn't be removed again.
    ///
    /// # Errors
    ///
    /// When nothing can be written.
    pub fn transient(&mut self, text: &str) -> io::Result<()> {
        if self.terminal {
            // In the last column, some terminals have begun a new line, which would stay.
            let text = fit(text, columns().saturating_sub(1));
            let text = self.paint.dim(text);
            write!(self, "\r\x1b[K{text}")?;
            self.flush()?;
        }
        Ok(())
    }

    /// Whether a line may be overwritten, so that it can show a wait.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Starts a new page, or leaves an empty line if earlier output stays.
    ///
    /// # Errors
    ///
    /// When nothing can be written.
    pub fn fresh(&mut self) -> io::Result<()> {
        let start = if self.terminal { "\x1b[2J\x1b[H" } else { "\n" };
        write!(self, "{start}")
    }

    /// Removes what [`Self::transient`] shows.
    ///
    /// # Errors
    ///
    /// When nothing can be written.
    pub fn clear_transient(&mut self) -> io::Result<()> {
        if self.terminal {
            write!(self, "\r\x1b[K")?;
            self.flush()?;
        }
        Ok(())
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.out {
            Some(out) => out.write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// How many columns the terminal has now; it may be resized at any time.
#[cfg(unix)]
fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout());
    match size.map(|size| usize::from(size.ws_col)) {
        Ok(0) | Err(_) => USUAL,
        Ok(columns) => columns,
    }
}

#[cfg(not(unix))]
fn columns() -> usize {
    USUAL
}

const USUAL: usize = 80;

/// The beginning of `text` that fits into this many columns. What isn't ASCII is counted as two: a
/// Chinese character takes as many, and a line that is a little short does no harm.
fn fit(text: &str, columns: usize) -> &str {
    let mut left = columns;
    for (at, letter) in text.char_indices() {
        let width = if letter.is_ascii() { 1 } else { 2 };
        if width > left {
            return &text[..at];
        }
        left -= width;
    }
    text
}

/// Colors by meaning, or none.
#[derive(Clone, Copy)]
pub struct Paint {
    /// Whether there are any.
    pub on: bool,
}

impl Paint {
    /// For what is right.
    pub fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// For what is wrong.
    pub fn bad(self, text: &str) -> String {
        self.wrap("31", text)
    }

    /// A heading.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// For what may be skipped.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// A file or a command.
    pub fn name(self, text: &str) -> String {
        self.wrap("36", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn a_line_that_is_written_over_is_no_wider_than_the_terminal() {
        assert_eq!(fit("Compiling", 9), "Compiling");
        assert_eq!(fit("Compiling", 4), "Comp");
        assert_eq!(fit("in 雪国", 5), "in 雪");
        assert_eq!(fit("in 雪国", 4), "in ");
        assert_eq!(fit("x", 0), "");
    }
}
