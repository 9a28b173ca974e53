//! What a program printed and how it ended, and checks of both.

use assert_cmd::assert::IntoOutputPredicate;
use predicates::Predicate;
use predicates::reflection::PredicateReflection;

use crate::bytes::show;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::verdict::Verdict;

/// How a program ended, and everything that it printed.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub exit: Exit,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Verdict<Output> {
    /// Expects standard output to be this text, or to satisfy this predicate (`contains("…")`).
    pub fn stdout<I, P>(self, wanted: I) -> Self
    where
        I: IntoOutputPredicate<P>,
        P: Predicate<[u8]>,
    {
        self.and(
            |output| match judge("standard output", &wanted.into_output(), &output.stdout) {
                None => Ok(output),
                Some(failure) => Err(failure),
            },
        )
    }

    /// Expects standard output to be exactly these bytes, which need not be text.
    pub fn stdout_bytes(self, wanted: impl AsRef<[u8]>) -> Self {
        let wanted = wanted.as_ref();
        self.and(|output| {
            if output.stdout == wanted {
                return Ok(output);
            }
            let after = "the end of standard output";
            Err(Failure::bytes(wanted, &output.stdout, after))
        })
    }

    /// Expects standard error to be this text, or to satisfy this predicate (`contains("…")`).
    pub fn stderr<I, P>(self, wanted: I) -> Self
    where
        I: IntoOutputPredicate<P>,
        P: Predicate<[u8]>,
    {
        self.and(
            |output| match judge("standard error", &wanted.into_output(), &output.stderr) {
                None => Ok(output),
                Some(failure) => Err(failure),
            },
        )
    }
}

fn judge<P: Predicate<[u8]>>(stream: &str, wanted: &P, got: &[u8]) -> Option<Failure> {
    if wanted.eval(got) {
        return None;
    }
    // A complete text is compared byte by byte; any other predicate describes itself.
    Some(match original(wanted) {
        Some(text) => Failure::bytes(text.as_bytes(), got, &format!("the end of {stream}")),
        None => Failure::new(format!("{stream}: {wanted}").replace("var.", ""), show(got)),
    })
}

/// Returns the text that the predicate compares with, if it compares complete texts.
fn original(predicate: &dyn PredicateReflection) -> Option<String> {
    predicate
        .parameters()
        .find(|parameter| parameter.name() == "original")
        .map(|parameter| parameter.value().to_string())
        .or_else(|| {
            predicate
                .children()
                .find_map(|child| original(child.value()))
        })
}
