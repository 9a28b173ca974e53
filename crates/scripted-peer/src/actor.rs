//! An actor in a test besides its programs: a gate, a supervisor, a broker. It may have a lane in
//! the timeline, and has a patience and verdicts. The verbs of Parts V and VI are built only on
//! this.

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

/// How often a wait looks whether the programs have ended.
const GLANCE: Duration = Duration::from_millis(20);
/// How often to check for something that can't be waited for.
const ASK: Duration = Duration::from_millis(2);

#[derive(Clone)]
pub(crate) struct Actor {
    timeline: Arc<Timeline>,
    lane: Option<usize>,
    pub patience: Duration,
}

impl Actor {
    /// One whose actions are notes between the lanes.
    pub fn aside() -> Self {
        Self {
            timeline: context::current(),
            lane: None,
            patience: PATIENCE,
        }
    }

    /// One that waits as long as this program's verbs do.
    pub fn of(running: &Running) -> Self {
        Self {
            patience: running.patience,
            ..Self::aside()
        }
    }

    /// One that has a lane, like a peer.
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

    /// A message that was sent complete.
    pub fn sent(&self, message: &[u8], remark: &str) {
        match self.lane {
            Some(lane) => self.timeline.sent(lane, Bytes::new(message, remark)),
            None => self.note(format!("-> {}", crate::bytes::show(message))),
        }
    }

    /// A message that arrived complete: two of them are two events.
    pub fn received(&self, message: &[u8], remark: &str) {
        match self.lane {
            Some(lane) => self.timeline.message(lane, Bytes::new(message, remark)),
            None => self.note(format!("<- {}", crate::bytes::show(message))),
        }
    }

    pub fn verdict<T>(&self, found: Result<T, Failure>) -> Verdict<T> {
        Verdict::new(&self.timeline, found)
    }

    /// Calls `come`, which waits until a given moment, until it finds something, all programs have
    /// ended, or patience is out; calls it one last time after that.
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

    /// Like [`wait`](Self::wait), for what can't be waited for directly: checks every 2 ms.
    pub fn ask<T>(&self, mut happens: impl FnMut() -> Option<T>) -> Option<T> {
        self.wait(|until| {
            let found = happens();
            if found.is_none() {
                sleep(ASK.min(until.saturating_duration_since(Instant::now())));
            }
            found
        })
    }

    /// What was waited for did not happen.
    pub fn missed(&self, expected: impl Into<String>) -> Failure {
        if self.timeline.all_exited() {
            Failure::new(expected, "it ended without that").ended(true)
        } else {
            let got = format!("nothing of the kind within {:?}", self.patience);
            Failure::new(expected, got)
        }
    }
}
