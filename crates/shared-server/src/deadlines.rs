//! Which connection's time is up next.

use std::collections::BTreeSet;
use std::time::Instant;

/// The deadlines of one worker, in order.
///
/// Most deadlines only ever move away: an idle client's, with each request. So an entry may stand
/// earlier than its connection's deadline: whoever takes it looks at the connection and enters
/// the later one. That way a request costs no change here.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    entries: BTreeSet<(Instant, usize)>,
}

/// One connection's deadline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    /// When its time is up.
    pub(crate) due: Option<Instant>,
    /// Where its entry stands, never behind `due`.
    entered: Option<Instant>,
}

impl Deadlines {
    // ANCHOR: enter
    /// Sees to it that the connection's entry is not behind its deadline.
    pub(crate) fn enter(&mut self, key: usize, deadline: &mut Deadline) {
        let Some(due) = deadline.due else { return };
        match deadline.entered {
            Some(entered) if entered <= due => return,
            Some(entered) => self.entries.remove(&(entered, key)),
            None => false,
        };
        self.entries.insert((due, key));
        deadline.entered = Some(due);
    }
    // ANCHOR_END: enter

    /// Removes the connection's entry.
    pub(crate) fn forget(&mut self, key: usize, deadline: &mut Deadline) {
        if let Some(entered) = deadline.entered.take() {
            self.entries.remove(&(entered, key));
        }
    }

    /// When to look again; not later than the first deadline.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.entries.first().map(|(due, _)| *due)
    }

    // ANCHOR: take
    /// Takes an entry whose time has come. Its connection is to be looked at, and entered again.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<usize> {
        match self.entries.first() {
            Some((due, _)) if *due <= now => self.entries.pop_first().map(|(_, key)| key),
            _ => None,
        }
    }
    // ANCHOR_END: take
}

impl Deadline {
    pub(crate) fn new(due: Instant) -> Self {
        Deadline {
            due: Some(due),
            entered: None,
        }
    }

    /// To be called with the connection that [`Deadlines::take_due`] named.
    pub(crate) fn taken(&mut self) {
        self.entered = None;
    }

    /// Whether the time is up, and not only the entry's.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_entry_moves_forward_at_once_and_away_only_when_taken() {
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let mut deadlines = Deadlines::default();
        let mut deadline = Deadline::new(at(10));
        deadlines.enter(7, &mut deadline);
        assert_eq!(deadlines.first(), Some(at(10)));

        deadline.due = Some(at(300));
        deadlines.enter(7, &mut deadline);
        assert_eq!(deadlines.first(), Some(at(10)), "early is harmless");

        deadline.due = Some(at(5));
        deadlines.enter(7, &mut deadline);
        assert_eq!(deadlines.first(), Some(at(5)));
        assert_eq!(deadlines.take_due(at(4)), None);
        assert_eq!(deadlines.take_due(at(5)), Some(7));
        assert_eq!(deadlines.first(), None);

        deadline.taken();
        deadline.due = Some(at(300));
        deadlines.enter(7, &mut deadline);
        deadlines.forget(7, &mut deadline);
        assert_eq!(deadlines.first(), None);
    }
}
