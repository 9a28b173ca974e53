//! How a program ended: with an exit code, by a signal, or at a `todo!` that the learner has not
//! replaced yet.

use std::fmt;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It returned from `main` or called `exit`, with this exit code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(101) => write!(f, "panicked (exit code 101)"),
            Self::Code(code) => write!(f, "ended with exit code {code}"),
            Self::Signal(signal) => write!(f, "was killed by signal {signal}"),
        }
    }
}

impl Exit {
    pub(crate) fn of(code: Option<i32>, signal: Option<i32>) -> Self {
        match (code, signal) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}

/// A `todo!` that a program ran into: where it is and what it says.
pub(crate) struct Unsolved {
    pub place: String,
    pub message: String,
}

impl Unsolved {
    /// Finds a `todo!` in Rust's panic message on standard error.
    pub fn read(text: &str) -> Option<Self> {
        let (before, after) = text.split_once("\nnot yet implemented")?;
        let place = before.lines().last()?.split_once(" panicked at ")?.1;
        let message = after
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches(": ");
        Some(Self {
            place: place.trim_end_matches(':').to_owned(),
            message: message.to_owned(),
        })
    }
}
