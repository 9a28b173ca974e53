//! Verdicts that depend on the clock, and how far they can be trusted on a busy machine.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use crate::context;
use crate::failure::{TOO_BUSY, kept_from_running};
use crate::machine;
use crate::watchdog::Disturbed;

/// How many times a scene is played, at most, until nothing disturbs it.
const TRIES: usize = 3;

/// A stopwatch for how long a program takes. It doesn't count time in which the machine keeps the
/// test from running.
#[derive(Debug)]
pub struct Stopwatch {
    began: Instant,
    before: Duration,
    ran_before: Duration,
}

impl Stopwatch {
    /// Starts a stopwatch.
    #[must_use]
    pub fn start() -> Self {
        let (before, ran_before) = context::current().turns();
        Self {
            began: Instant::now(),
            before,
            ran_before,
        }
    }

    /// Returns how long the test's program and the check have been ready to run but got no CPU,
    /// since the start. If both waited at the same time, that time counts twice.
    #[must_use]
    pub fn kept(&self) -> Duration {
        context::current().kept().saturating_sub(self.before)
    }

    /// Returns the time since the start, without [`kept`](Self::kept).
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed().saturating_sub(self.kept())
    }

    /// Returns whether the program has had this much time since the start: by this stopwatch, or
    /// half of it as CPU time. (A program that never rests is often kept from running, and has had
    /// its time all the same.)
    #[must_use]
    pub fn is_past(&self, time: Duration) -> bool {
        let ran = context::current().turns().1.saturating_sub(self.ran_before);
        self.elapsed() >= time || ran > time / 2
    }
}

/// Plays a scene whose outcome depends on the clock. If the machine kept the program or the check
/// from running for longer than `most`, a bad outcome proves nothing: it isn't reported, and the
/// scene is played again, up to three times in total. If all of them are disturbed, the test ends
/// and says that the machine gave no verdict.
///
/// `most` is how late the program or the check may be in this scene without making a correct
/// program fail.
pub fn undisturbed<T>(most: Duration, mut scene: impl FnMut() -> T) -> T {
    let timeline = context::current();
    let mut kept = Duration::ZERO;
    for _ in 0..TRIES {
        let watch = Stopwatch::start();
        timeline.lock().scene = Some((watch.before, most));
        let played = catch_unwind(AssertUnwindSafe(&mut scene));
        timeline.lock().scene = None;
        match played {
            Ok(value) => return value,
            Err(panic) if panic.is::<Disturbed>() && !timeline.is_over() => kept = watch.kept(),
            Err(panic) if panic.is::<Disturbed>() => break,
            Err(panic) => resume_unwind(panic),
        }
        timeline.note(
            None,
            format!("{}; trying once more", kept_from_running(kept)),
        );
    }
    too_busy(kept)
}

/// Ends the test: this machine is too busy for what the check measures.
pub fn too_busy(kept: Duration) -> ! {
    machine::no_verdict(
        "a machine that lets the program and the check run in time",
        &kept_from_running(kept),
        TOO_BUSY,
    )
}

/// Returns the numbers from 0 up to `most` (exclusive), for a loop that looks for a fault that
/// shows only sometimes. Once `time` has passed, the iterator ends early, but not before it has
/// reached `least`. If a machine doesn't get that far within the test's deadline, the test gives no
/// verdict.
pub fn rounds(most: usize, least: usize, time: Duration) -> impl Iterator<Item = usize> {
    let began = Instant::now();
    (0..most).take_while(move |round| *round < least || began.elapsed() < time)
}
