//! A verdict: what a check found, and what to tell the learner if it is wrong.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::context;
use crate::failure::Failure;
use crate::patience::{PATIENCE, Patience};
use crate::timeline::Timeline;
use crate::watchdog::fail;

/// The outcome of an expectation. A bad verdict ends the test: at [`or_explain`](Self::or_explain)
/// with a sentence for the learner, or, without one, when it is dropped.
pub struct Verdict<T = ()> {
    /// `None` once a method has passed the outcome on, so that `drop` has nothing left to report.
    found: Option<Result<T, Failure>>,
    timeline: Arc<Timeline>,
}

impl<T> Verdict<T> {
    pub(crate) fn new(timeline: &Arc<Timeline>, found: Result<T, Failure>) -> Self {
        // What a program does once the watchdog has killed it proves nothing.
        let found = found.and_then(|value| match timeline.is_over() {
            false => Ok(value),
            true => Err(Failure::new(
                "a test that ends in time",
                "its deadline passed",
            )),
        });
        Self {
            found: Some(found),
            timeline: Arc::clone(timeline),
        }
    }

    /// Returns what was found, or ends the test. `sentence` then tells the learner what their
    /// program did and what to do instead, and `section` names the section of the book to read, as
    /// the book links to it: `04-where-does-a-message-end.html#reading-a-whole-frame`.
    pub fn or_explain(mut self, sentence: &str, section: &str) -> T {
        match self.take() {
            Ok(value) => value,
            Err(mut failure) => {
                failure.explanation = Some(Box::new((sentence.to_owned(), section.to_owned())));
                fail(&self.timeline, &failure)
            }
        }
    }

    /// Returns what was found, or ends the test with the explanation that
    /// [`explain`](crate::explain) set.
    pub fn now(mut self) -> T {
        match self.take() {
            Ok(value) => value,
            Err(failure) => fail(&self.timeline, &failure),
        }
    }

    /// Applies a further test to what was found, if the verdict is good so far.
    pub(crate) fn and<U>(mut self, judge: impl FnOnce(T) -> Result<U, Failure>) -> Verdict<U> {
        let found = self.take().and_then(judge);
        Verdict::new(&self.timeline, found)
    }

    fn take(&mut self) -> Result<T, Failure> {
        self.found
            .take()
            .expect("a verdict is taken once, by value")
    }
}

impl<T> Drop for Verdict<T> {
    fn drop(&mut self) {
        if let Some(Err(failure)) = self.found.take()
            && !thread::panicking()
        {
            fail(&self.timeline, &failure);
        }
    }
}

/// Checks something that no peer or program observes, such as a file's mode or a measured number.
/// If `holds` is false, the report shows `expected` and `got`.
pub fn check(holds: bool, expected: impl Into<String>, got: impl Into<String>) -> Verdict {
    let failure = || Failure::new(expected, got);
    Verdict::new(
        &context::current(),
        if holds { Ok(()) } else { Err(failure()) },
    )
}

/// Calls `happens` every 10 ms until it returns true or 4 seconds have passed, not counting time in
/// which the machine kept the test from running. Use it for what takes a moment and can't be waited
/// for directly, such as a slot that becomes free after a reset.
pub fn eventually(expected: &str, mut happens: impl FnMut() -> bool) -> Verdict {
    appears(expected, PATIENCE, || happens().then_some(()))
}

/// Like [`eventually`], but waits for as long as `patience`, and returns what `look` found.
pub fn appears<T>(
    expected: &str,
    patience: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> Verdict<T> {
    let timeline = context::current();
    let mut wait = Patience::new(&timeline, patience);
    loop {
        // The last look is after the deadline: a check that looks late still finds what happened in
        // time.
        let is_out = wait.is_out();
        if let Some(found) = look() {
            return Verdict::new(&timeline, Ok(found));
        }
        if is_out {
            let got = format!("it had not happened after {patience:?}");
            return Verdict::new(&timeline, Err(Failure::new(expected, got)));
        }
        timeline.sleep(Instant::now() + Duration::from_millis(10));
    }
}
