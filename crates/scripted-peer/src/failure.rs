//! What a check expected and what happened instead, as the report shows it. Also the sentences
//! about this machine, which replace the check's explanation if the program isn't at fault.
//!
//! The verbs find failures; `watchdog` ends a test at one.

use std::time::Duration;

use crate::bytes::{compare, show};

/// How a sentence about this machine begins. A report with it is not a judgment of the learner's
/// program.
pub(crate) const NO_VERDICT: &str = "This machine could not judge your program.";

pub(crate) const TOO_BUSY: &str = "It was too busy for a check that measures time. Stop other \
                                   programs, or wait until they end, and run the check again.";

/// The explanation for a program that never listened, if the check has none of its own.
pub(crate) const NEVER_LISTENED: &str = "Your program never started listening. If it ended, its \
                                         last lines on standard error should say which step \
                                         failed. As soon as it is listening, it must print the \
                                         line `listening on ADDRESS`.";

/// The explanation for a program that never connected, if the check has none of its own.
pub(crate) const NEVER_CONNECTED: &str = "Your program did not connect to the address it was \
                                          given. If it ended, its last lines on standard error \
                                          should say which step failed.";

/// What is shown before the check's explanation if the program ended before any byte was exchanged.
const ENDED_EARLY: &str = "Your program ended before it had exchanged any bytes with the check.";

/// What is shown before the check's explanation if the very first connection was refused.
pub(crate) const NOT_THERE: &str = "Your program printed `listening on`, but nothing is listening \
                                    on the address that it printed. Print the address that the \
                                    listening socket has, and print it once the socket is \
                                    listening. What this check is about:";

/// Returns the explanation for a program that ended before any byte was exchanged. It points to the
/// program's last lines, which are more likely to tell what went wrong than the check's explanation
/// is.
pub(crate) fn early(explanation: &str, printed: bool) -> String {
    let why = match printed {
        true => "Its last lines of output should say why.",
        false => "It printed nothing that explains why.",
    };
    format!("{ENDED_EARLY} {why} What this check is about: {explanation}")
}

pub(crate) fn kept_from_running(kept: Duration) -> String {
    format!("the program and the check waited {kept:.1?} for a CPU")
}

/// What was expected, and what happened instead.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub expected: String,
    pub got: String,
    /// How many columns are before the mark, how wide it is, and its text.
    pub mark: Option<Box<(usize, usize, String)>>,
    pub explanation: Option<Box<(String, String)>>,
    /// The explanation to show if the check has none of its own.
    pub otherwise: Option<&'static str>,
    /// Whether the program ended instead of doing what was expected.
    pub ended: bool,
    /// Whether a connection was refused.
    pub refused: bool,
    /// The sentence about this machine, if the program isn't at fault. It is shown instead of the
    /// explanation.
    pub machine: Option<Box<str>>,
}

impl Failure {
    pub fn new(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            got: got.into(),
            mark: None,
            explanation: None,
            otherwise: None,
            ended: false,
            refused: false,
            machine: None,
        }
    }

    /// A failure of this machine: `expected` is what the check needs, `got` is what the system
    /// reports, and `advice` tells the reader what to do about it.
    pub fn of_machine(expected: &str, got: &str, advice: &str) -> Self {
        Self {
            machine: Some(format!("{NO_VERDICT} {advice}").into()),
            ..Self::new(expected, got)
        }
    }

    /// The failure to report if the system has no thread left for the check.
    pub fn no_thread(error: &std::io::Error) -> Self {
        Self::of_machine(
            "a thread for the check",
            &error.to_string(),
            "The system has no threads or no memory left for the check. Stop other programs, or \
             raise the limits (`ulimit -u`, `ulimit -v`), and run it again.",
        )
    }

    /// Adds the explanation to show if the check has none of its own.
    pub fn or_else(self, sentence: &'static str) -> Self {
        Self {
            otherwise: Some(sentence),
            ..self
        }
    }

    /// Records whether the program ended instead of doing what was expected.
    pub fn ended(self, ended: bool) -> Self {
        Self { ended, ..self }
    }

    /// The failure to report if the bytes that arrived are not the expected ones. `after` says what
    /// followed the last byte that arrived.
    pub fn bytes(expected: &[u8], got: &[u8], after: &str) -> Self {
        if got.is_empty() {
            return Self::new(show(expected), after);
        }
        let found = compare(expected, got, after);
        let mark = Some(Box::new((found.mark.0, found.mark.1, found.note)));
        Self {
            mark,
            ..Self::new(found.expected, found.got)
        }
    }
}
