//! A verdict: what a check found, and what to tell the reader if it is wrong.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::context;
use crate::failure::Failure;
use crate::patience::{PATIENCE, Patience};
use crate::timeline::Timeline;
use crate::watchdog::fail;

/// What a check found. A bad verdict ends the test when it is dropped, or, with a sentence for the
/// reader, at [`or_explain`](Self::or_explain).
pub struct Verdict<T = ()> {
    /// Taken by the method that passes it on, so that `drop` has nothing left to report.
    found: Option<Result<T, Failure>>,
    timeline: Arc<Timeline>,
}

impl<T> Verdict<T> {
    pub(crate) fn new(timeline: &Arc<Timeline>, found: Result<T, Failure>) -> Self {
        // What a program does once the watchdog has killed it proves nothing.
        let found = found.and_then(|value| match timeline.is_over() {
            false => Ok(value),
            true => Err(Failure::new("a test that ends in time", "its time ran out")),
        });
        Self {
            found: Some(found),
            timeline: Arc::clone(timeline),
        }
    }

    /// Returns what was found, or ends the test with `sentence`, which tells the reader what their
    /// program did and what to do instead, and `section`, the chapter's, as the book links to it:
    /// `04-where-does-a-message-end.html#reading-a-whole-frame`.
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

    /// Judges further what was found so far.
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

/// A check of something that no peer or program sees: a file's mode, a measured number. `expected`
/// and `got` are what the verdict says.
pub fn check(holds: bool, expected: impl Into<String>, got: impl Into<String>) -> Verdict {
    let failure = || Failure::new(expected, got);
    Verdict::new(
        &context::current(),
        if holds { Ok(()) } else { Err(failure()) },
    )
}

/// Calls `happens` every 10 ms until it says yes or 4 seconds have passed, not counting the time in
/// which the machine kept the test from running. For what takes a moment and can't be waited for
/// directly: a slot that becomes free after a reset.
pub fn eventually(expected: &str, mut happens: impl FnMut() -> bool) -> Verdict {
    appears(expected, PATIENCE, || happens().then_some(()))
}

/// The same, for as long as `patience`; returns what `look` found.
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
