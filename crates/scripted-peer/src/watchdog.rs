//! How a test fails: at a failure, which is printed, or when its deadline passes.

use std::io::Write as _;
use std::panic::resume_unwind;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::failure::{Failure, NO_VERDICT, TOO_BUSY, kept_from_running};
use crate::picture;
use crate::report;
use crate::timeline::Timeline;

/// How long the test may keep running after its programs have been killed.
const GRACE: Duration = Duration::from_secs(3);

/// Prints the verdict and ends the test, without a backtrace.
pub(crate) fn fail(timeline: &Timeline, failure: &Failure) -> ! {
    let mut failure = failure.clone();
    failure.machine = failure.machine.or_else(|| excuse(timeline));
    let scene = timeline.lock().scene;
    if let Some((before, most)) = scene
        && failure.machine.is_none()
        && timeline.kept().saturating_sub(before) > most
    {
        resume_unwind(Box::new(Disturbed));
    }
    let failed = put_into_words(timeline, &failure);
    eprint!("{}", failed.text);
    resume_unwind(Box::new(failed));
}

/// The panic payload of a failed check. By then the verdict has been printed and its picture
/// written; both are included for this crate's own tests.
#[doc(hidden)]
pub struct Failed {
    pub text: String,
    pub picture: String,
}

/// Returns the verdict in words and as a drawing.
fn put_into_words(timeline: &Timeline, failure: &Failure) -> Failed {
    let account = Account::new(timeline, failure);
    let drawn = picture::Drawn::new(&account);
    Failed {
        text: report::verdict(&account, drawn.file.as_deref()),
        picture: drawn.section,
    }
}

/// The panic payload of a failure that proves nothing, because the machine was too busy for the
/// scene.
pub(crate) struct Disturbed;

/// Returns why a failure now would not be a judgment of the learner's program, if there is a
/// reason.
fn excuse(timeline: &Timeline) -> Option<Box<str>> {
    let processes = timeline.lock().processes.clone();
    let ended = processes.iter().rev().find_map(|one| one.excuse());
    ended
        .or_else(|| timeline.is_over().then(|| time_is_over(timeline)))
        .map(Into::into)
}

/// Returns the watchdog's sentence about a test whose deadline has passed.
fn time_is_over(timeline: &Timeline) -> String {
    let ((kept, ran), took) = (timeline.turns(), timeline.elapsed());
    let after = format!("the watchdog ended this test after {took:.0?}");
    if kept > took / 4 && ran < took / 2 {
        let kept = kept_from_running(kept.min(took));
        return format!("{NO_VERDICT} {TOO_BUSY} ({after}: {kept}.)");
    }
    format!(
        "The test took too long: {after}, and killed the program. The watchdog does not know \
         why: run the test again. If it happens again, the end of the timeline shows what the test \
         was waiting for."
    )
}

/// Starts the watchdog of the test that this thread runs.
pub(crate) fn watch(timeline: &Arc<Timeline>) {
    let watched = Arc::clone(timeline);
    let watchdog = thread::Builder::new().name("watchdog".to_owned());
    let watchdog = watchdog.spawn(move || {
        let timeline = watched;
        if finishes_within(&timeline, Duration::ZERO) {
            return;
        }
        timeline.note(
            None,
            "watchdog: the test's deadline has passed, so its programs are being killed",
        );
        let processes = timeline.lock().processes.clone();
        processes.iter().for_each(|process| process.kill());
        if !finishes_within(&timeline, GRACE) {
            give_up(&timeline);
        }
    });
    if let Err(error) = watchdog {
        fail(timeline, &Failure::no_thread(&error));
    }
}

fn finishes_within(timeline: &Timeline, grace: Duration) -> bool {
    loop {
        let left = (timeline.last() + grace).saturating_duration_since(Instant::now());
        let mut state = timeline.lock();
        if state.finished || left.is_zero() {
            if !state.finished {
                state.over.get_or_insert(Instant::now());
            }
            return state.finished;
        }
        let wait = timeline.changed.wait_timeout(state, left);
        drop(wait.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Ends the process: the check itself is stuck outside of any verb, and nothing else helps.
fn give_up(timeline: &Timeline) -> ! {
    let mut failure = Failure::new("the test to end", "it kept running after its deadline");
    failure.machine = Some(time_is_over(timeline).into());
    let text = format!(
        "\n{}:{}",
        timeline.test,
        put_into_words(timeline, &failure).text
    );
    // Bypasses the capture of `eprint!`, whose contents would never be printed.
    let _ = std::io::stderr().write_all(text.as_bytes());
    std::process::exit(101);
}
