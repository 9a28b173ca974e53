//! Finds the connection whose deadline is next.

use std::collections::BTreeSet;
use std::time::Instant;

/// The deadlines of one worker, in order.
///
/// Most deadlines only ever move later: each request, for example, moves its client's idle
/// deadline. So an entry may be earlier than its connection's deadline: the code that takes the
/// entry checks the connection, and enters the later deadline. That way a request changes nothing
/// here.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    entries: BTreeSet<(Instant, usize)>,
}

/// The time of one connection's entry, which is never later than the connection's deadline.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry(Option<Instant>);

impl Deadlines {
    // ANCHOR: enter
    /// Makes sure that the connection's entry is not later than its deadline, if it has one.
    #[inline]
    pub(crate) fn enter(&mut self, key: usize, due: Option<Instant>, entry: &mut Entry) {
        if let Some(due) = due
            && entry.0.is_none_or(|entered| due < entered)
        {
            self.move_entry(key, due, entry);
        }
    }

    fn move_entry(&mut self, key: usize, due: Instant, entry: &mut Entry) {
        self.forget(key, entry);
        self.entries.insert((due, key));
        entry.0 = Some(due);
    }
    // ANCHOR_END: enter

    /// Removes the connection's entry.
    pub(crate) fn forget(&mut self, key: usize, entry: &mut Entry) {
        if let Some(entered) = entry.0.take() {
            self.entries.remove(&(entered, key));
        }
    }

    /// Returns when to look again, which is no later than the first deadline.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.entries.first().map(|(due, _)| *due)
    }

    // ANCHOR: take
    /// Takes an entry whose time has come, and returns its connection's key. The caller checks the
    /// connection, and enters its deadline again.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<usize> {
        match self.entries.first() {
            Some((due, _)) if *due <= now => self.entries.pop_first().map(|(_, key)| key),
            _ => None,
        }
    }
    // ANCHOR_END: take
}

impl Entry {
    /// Call it with the connection that [`Deadlines::take_due`] returned.
    pub(crate) fn taken(&mut self) {
        self.0 = None;
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
        let mut entry = Entry::default();
        deadlines.enter(7, Some(at(10)), &mut entry);
        assert_eq!(deadlines.first(), Some(at(10)));

        deadlines.enter(7, Some(at(300)), &mut entry);
        assert_eq!(deadlines.first(), Some(at(10)), "early is harmless");

        deadlines.enter(7, Some(at(5)), &mut entry);
        assert_eq!(deadlines.first(), Some(at(5)));
        assert_eq!(deadlines.take_due(at(4)), None);
        assert_eq!(deadlines.take_due(at(5)), Some(7));
        assert_eq!(deadlines.first(), None);

        entry.taken();
        deadlines.enter(7, Some(at(300)), &mut entry);
        deadlines.forget(7, &mut entry);
        assert_eq!(deadlines.first(), None);
    }
}
