//! Where all messages go: standard output, with colors only on a terminal.
//!
//! Messages are written and not printed with `println!`, which would panic in `cargo learn list |
//! head`.

use std::io::{self, IsTerminal as _, Stdout, Write};

/// Standard output.
pub struct Screen {
    /// Standard output; `None` for a screen that shows nothing.
    out: Option<Stdout>,
    /// The colors to use.
    pub paint: Paint,
    /// Whether a line can be overwritten, which is so only on a terminal.
    terminal: bool,
}

impl Screen {
    /// Standard output, with the settings for colors from the environment.
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

    /// A screen that shows nothing, for work in the background.
    pub fn hidden() -> Self {
        Self {
            out: None,
            paint: Paint { on: false },
            terminal: false,
        }
    }

    /// Shows `text` until something else is written. If it couldn't be removed again, shows
    /// nothing.
    ///
    /// # Errors
    ///
    /// Fails if nothing can be written.
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

    /// Whether a line can be overwritten, so that it can show what is being waited for.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Clears the terminal; elsewhere, writes an empty line.
    ///
    /// # Errors
    ///
    /// Fails if nothing can be written.
    pub fn fresh(&mut self) -> io::Result<()> {
        let start = if self.terminal { "\x1b[2J\x1b[H" } else { "\n" };
        write!(self, "{start}")
    }

    /// Removes the text that [`Self::transient`] shows.
    ///
    /// # Errors
    ///
    /// Fails if nothing can be written.
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

/// Returns how many columns the terminal has now: it may be resized at any time.
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

/// Returns the beginning of `text` that fits into this many columns. A character that isn't ASCII
/// counts as two columns: a Chinese character takes as many, and a line that is a little too short
/// does no harm.
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

/// Colors by meaning; none if `on` is false.
#[derive(Clone, Copy)]
pub struct Paint {
    /// Whether there are colors.
    pub on: bool,
}

impl Paint {
    /// Colors text that reports something right.
    pub fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// Colors text that reports something wrong.
    pub fn bad(self, text: &str) -> String {
        self.wrap("31", text)
    }

    /// Colors a heading.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// Colors text that a reader may skip.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// Colors the name of a file or a command.
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
