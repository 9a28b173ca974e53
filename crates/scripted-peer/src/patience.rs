//! How long the machine kept a test from running, and time limits that don't count that time.
//!
//! On a busy machine a correct program can be as late as a wrong one. So the time limit of a wait
//! is extended by the time in which the program, or the check itself, was ready to run but got no
//! CPU. Linux counts that time for each thread (`schedstat`,
//! [proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)). On every system, the check counts
//! how late its own threads wake up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::timeline::Timeline;

/// How long a verb waits, unless it was told otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);
/// How long a wait lasts before the threads' times are read, so that a short wait costs nothing.
const FIRST_LOOK: Duration = Duration::from_millis(20);
/// How often the threads' times are read during a longer wait.
const LOOK: Duration = Duration::from_millis(250);
/// A wait isn't extended by less than this.
const WORTH: Duration = Duration::from_millis(20);

/// The time limit of a wait, which doesn't count time in which the machine kept the test from
/// running.
pub(crate) struct Patience {
    timeline: Arc<Timeline>,
    began: Instant,
    length: Duration,
    end: Instant,
    /// At the first look: for how long the test had been kept from running, and for how long its
    /// programs had run.
    before: Option<(Duration, Duration)>,
    /// How late this wait itself woke up, in total.
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

    /// Counts the limit from a later moment, which has passed already. What the machine kept the
    /// test from running before that moment extends this wait, too: how much that was by then is
    /// not known.
    pub fn restart(&mut self, began: Instant) {
        self.began = began;
        self.end = self.timeline.last().min(began + self.length);
        let (_, ran) = self.timeline.turns();
        self.before = self.before.map(|(kept, _)| (kept, ran));
    }

    /// Until when to wait before calling [`is_out`](Self::is_out) again.
    pub fn next(&self) -> Instant {
        match self.before {
            None => self.end.min(self.began + FIRST_LOOK),
            Some(_) => self.end,
        }
    }

    /// Returns whether the wait is over: the limit has passed, not counting the time when the
    /// machine kept the test from running. The wait is also over once the program has used half the
    /// limit in CPU time.
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

    /// Calls `come` repeatedly until it returns true or the time is up, and returns which. `come`
    /// is given a moment, and waits until then at most for what is expected. It is called once more
    /// after the deadline, so that a check that woke up late still finds what happened in time.
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
