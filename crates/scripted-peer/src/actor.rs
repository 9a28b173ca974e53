//! A participant in a test besides its programs and peers: a gate, a supervisor, a broker. It adds
//! to the test's timeline, waits with a time limit, and returns verdicts. The verbs of Parts V and
//! VI use nothing else of this crate's internals.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::context;
use crate::event::Bytes;
use crate::failure::Failure;
use crate::patience::{PATIENCE, Patience};
use crate::running::Running;
use crate::timeline::Timeline;
use crate::verdict::Verdict;

/// How often a waiting actor checks whether the programs have ended.
const GLANCE: Duration = Duration::from_millis(20);
/// How often an actor checks a condition that can't be waited for directly.
const ASK: Duration = Duration::from_millis(2);

#[derive(Clone)]
pub(crate) struct Actor {
    timeline: Arc<Timeline>,
    lane: Option<usize>,
    pub patience: Duration,
}

impl Actor {
    /// An actor without a lane: its actions are notes between the lanes of the timeline.
    pub fn aside() -> Self {
        Self {
            timeline: context::current(),
            lane: None,
            patience: PATIENCE,
        }
    }

    /// An actor without a lane that waits as long as the verbs of `running` do.
    pub fn of(running: &Running) -> Self {
        Self {
            patience: running.patience,
            ..Self::aside()
        }
    }

    /// An actor with a lane of its own in the timeline, like a peer.
    pub fn on_stage() -> Self {
        let timeline = context::current();
        let lane = Some(timeline.new_peer());
        Self {
            lane,
            timeline,
            patience: PATIENCE,
        }
    }

    pub fn timeline(&self) -> &Arc<Timeline> {
        &self.timeline
    }

    pub fn note(&self, text: impl Into<String>) {
        self.timeline.note(self.lane, text);
    }

    /// Notes a message that was sent completely.
    pub fn sent(&self, message: &[u8], remark: &str) {
        match self.lane {
            Some(lane) => self.timeline.sent(lane, Bytes::new(message, remark)),
            None => self.note(format!("-> {}", crate::bytes::show(message))),
        }
    }

    /// Notes a message that arrived completely. Two messages are two events, and are never merged.
    pub fn received(&self, message: &[u8], remark: &str) {
        match self.lane {
            Some(lane) => self.timeline.message(lane, Bytes::new(message, remark)),
            None => self.note(format!("<- {}", crate::bytes::show(message))),
        }
    }

    pub fn verdict<T>(&self, found: Result<T, Failure>) -> Verdict<T> {
        Verdict::new(&self.timeline, found)
    }

    /// Calls `come` repeatedly until it finds something, all programs have ended, or the time limit
    /// has passed; then calls it one last time. `come` is given a moment, and waits until then at
    /// most.
    pub fn wait<T>(&self, come: impl FnMut(Instant) -> Option<T>) -> Option<T> {
        self.wait_for(self.patience, come)
    }

    pub fn wait_for<T>(
        &self,
        time: Duration,
        mut come: impl FnMut(Instant) -> Option<T>,
    ) -> Option<T> {
        let mut patience = Patience::new(&self.timeline, time);
        loop {
            let deserted = self.timeline.all_exited();
            let next = patience.next().min(self.timeline.until(GLANCE));
            if let Some(found) = come(next) {
                return Some(found);
            }
            self.timeline.woke_late(next);
            if deserted || patience.is_out() {
                return come(Instant::now());
            }
        }
    }

    /// Like [`wait`](Self::wait), for a condition that can't be waited for directly: `happens` is
    /// called every 2 ms.
    pub fn ask<T>(&self, mut happens: impl FnMut() -> Option<T>) -> Option<T> {
        self.wait(|until| {
            let found = happens();
            if found.is_none() {
                sleep(ASK.min(until.saturating_duration_since(Instant::now())));
            }
            found
        })
    }

    /// The failure to report if what was waited for did not happen.
    pub fn missed(&self, expected: impl Into<String>) -> Failure {
        if self.timeline.all_exited() {
            Failure::new(expected, "the program ended first").ended(true)
        } else {
            let got = format!("this did not happen within {:?}", self.patience);
            Failure::new(expected, got)
        }
    }
}
