//! How long the machine kept a test from running, and waits that don't count that time.
//!
//! On a busy machine a right program is as late as a wrong one. So a wait doesn't end by the clock on
//! the wall alone: the time in which the program, or the check itself, wanted to run and got no
//! processor is added to it. Linux counts that for each thread (`schedstat`,
//! [proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)); how much too late the check itself
//! wakes up is counted everywhere.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::timeline::Timeline;

/// How long a verb waits for what it names, unless told otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);
/// A wait that is over sooner than this is not looked at: it costs nothing then.
const FIRST_LOOK: Duration = Duration::from_millis(20);
/// How often a wait that goes on is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Less than this is not worth another wait.
const WORTH: Duration = Duration::from_millis(20);

/// A wait of some length, not counting the time in which the machine let nobody run.
pub(crate) struct Patience {
    timeline: Arc<Timeline>,
    began: Instant,
    length: Duration,
    end: Instant,
    /// What the test had been kept from running until the first look, and what its programs had run.
    before: Option<(Duration, Duration)>,
    /// How much too late this wait itself woke up.
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

    /// Whether it is over: its length has passed, and as much again as the machine took away. But a
    /// program that has had a processor for half of its length has had its time, in any case.
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
        // What a thread waits for now is not counted yet: it will be when it gets its turn.
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
        // Soon enough to see that the program has had its time after all.
        self.end = end.min(now + LOOK);
        false
    }

    /// Asks `come`, which waits until a moment and says whether what is awaited has come, until it
    /// has or time is out. Says which. The last look is after the end: a check that woke up too late
    /// finds what came in time.
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
