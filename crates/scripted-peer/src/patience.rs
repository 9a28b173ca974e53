//! How long the machine kept a test from running, and waits that don't count that time.
//!
//! On a busy machine a correct program is as late as a wrong one. So a wait doesn't end by the wall
//! clock alone: the time in which the program, or the check itself, was ready to run but got no CPU
//! is added to it. Linux counts that for each thread (`schedstat`,
//! [proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)); how late the check itself wakes
//! up is counted on every system.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::timeline::Timeline;

/// How long a verb waits for what it names, unless told otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);
/// A wait that is over sooner than this is not examined, so that it costs nothing.
const FIRST_LOOK: Duration = Duration::from_millis(20);
/// How often a longer wait is examined.
const LOOK: Duration = Duration::from_millis(250);
/// It is not worth waiting again for less than this.
const WORTH: Duration = Duration::from_millis(20);

/// A wait of some length, not counting the time in which the machine kept the test from running.
pub(crate) struct Patience {
    timeline: Arc<Timeline>,
    began: Instant,
    length: Duration,
    end: Instant,
    /// For how long the test had been kept from running at the first look, and for how long its
    /// programs had run.
    before: Option<(Duration, Duration)>,
    /// How late this wait itself woke up.
    late: Duration,
}

impl Patience {
    pub fn new(timeline: &Arc<Timeline>, length: Duration) -> Self {
        let began = Instant::now();
        Self {
            timeline: Arc::clone(timeline),
            began,
            length,
            end: timeline.last().min(began + length),
            before: None,
            late: Duration::ZERO,
        }
    }

    /// Until when to wait before [`is_out`](Self::is_out) is asked again.
    pub fn next(&self) -> Instant {
        match self.before {
            None => self.end.min(self.began + FIRST_LOOK),
            Some(_) => self.end,
        }
    }

    /// Whether it is over: its length has passed, plus the time that the machine took away. In any
    /// case, a program that has had a CPU for half that length has had its time.
    pub fn is_out(&mut self) -> bool {
        let now = Instant::now();
        if now < self.next() {
            return false;
        }
        let (kept, ran) = self.timeline.turns();
        let before = *self.before.get_or_insert((kept, ran));
        if now < self.end {
            return false;
        }
        if ran.saturating_sub(before.1) > self.length / 2 {
            return true;
        }
        // A thread's current wait for a CPU is not counted yet: it will be once the thread runs.
        let waits = if self.timeline.is_busy() {
            LOOK
        } else {
            Duration::ZERO
        };
        let owed = self.length + kept.saturating_sub(before.0).max(self.late);
        let own = (self.began + owed).max(now + waits);
        if own < now + WORTH {
            return true;
        }
        let end = self.timeline.last().min(own);
        if end < now + WORTH {
            self.timeline.time_is_up();
            return true;
        }
        // Soon enough to notice that the program has had its time after all.
        self.end = end.min(now + LOOK);
        false
    }

    /// Calls `come`, which waits until a given moment and says whether the awaited thing has
    /// happened, until it has or time is up. Returns which. The last look is after the deadline, so
    /// a check that woke up late still finds what happened in time.
    pub fn wait(&mut self, mut come: impl FnMut(Instant) -> bool) -> bool {
        loop {
            let next = self.next();
            if come(next) {
                return true;
            }
            self.late += self.timeline.woke_late(next);
            if self.is_out() {
                return come(Instant::now());
            }
        }
    }
}
