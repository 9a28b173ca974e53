//! Reports whether all threads that serve are still running their loops.
//!
//! A watchdog that is fed by a separate thread proves nothing: that thread would keep running while
//! the others hang. So each worker feeds the watchdog from its loop, and if a service is stuck in a
//! request, the feeding stops.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Reports once per period that no worker is stuck, and is silent while one is. The workers of one
/// server or several feed it: see [`Server::feed`](crate::Server::feed). (A server without a
/// watchdog has no periodic timer.)
#[derive(Clone)]
pub struct Watchdog(Arc<Inner>);

struct Inner {
    period: Duration,
    workers: Mutex<Vec<State>>,
    alive: Box<dyn Fn() + Send + Sync>,
}

/// The state of a worker since all of them were last found alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Awaited,
    Fed,
    /// The worker has ended, as workers do in a drain, and is not waited for.
    Ended,
}

impl Watchdog {
    /// Creates a watchdog that calls `alive` once per `period`, as long as no worker is stuck. One
    /// of the workers' threads makes the call, so `alive` must neither block nor panic.
    pub fn new(period: Duration, alive: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            period,
            workers: Mutex::default(),
            alive: Box::new(alive),
        }))
    }

    /// Adds `count` workers, and returns each one's share of the watchdog.
    pub(crate) fn feeders(&self, count: usize) -> Vec<Feeder> {
        let mut workers = self.workers();
        let before = workers.len();
        workers.resize(before + count, State::Awaited);
        let due = Instant::now();
        let feeder = |worker| Feeder {
            watchdog: self.clone(),
            worker,
            due,
        };
        (before..before + count).map(feeder).collect()
    }

    fn workers(&self) -> MutexGuard<'_, Vec<State>> {
        self.0
            .workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    // ANCHOR: fed
    fn fed(&self, worker: usize) {
        let mut workers = self.workers();
        workers[worker] = State::Fed;
        if workers.contains(&State::Awaited) {
            return;
        }
        for state in workers.iter_mut().filter(|state| **state == State::Fed) {
            *state = State::Awaited;
        }
        drop(workers);
        (self.0.alive)();
    }
    // ANCHOR_END: fed
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watchdog({:?})", self.0.period)
    }
}

/// One worker's share of the watchdog.
#[derive(Debug)]
pub(crate) struct Feeder {
    watchdog: Watchdog,
    worker: usize,
    due: Instant,
}

impl Feeder {
    /// The latest time by which the worker must complete a loop.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Notes that the worker completed a loop.
    pub(crate) fn feed(&mut self, now: Instant) {
        if self.due <= now {
            self.due = now + self.watchdog.0.period;
            self.watchdog.fed(self.worker);
        }
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.watchdog.workers()[self.worker] = State::Ended;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const PERIOD: Duration = Duration::from_secs(1);

    fn counting() -> (Watchdog, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let alive = move || {
            counted.fetch_add(1, Ordering::SeqCst);
        };
        (Watchdog::new(PERIOD, alive), count)
    }

    #[test]
    fn one_worker_that_does_not_come_round_stops_it() {
        let (watchdog, count) = counting();
        let mut workers = watchdog.feeders(3);
        let mut now = Instant::now();
        let told = || count.load(Ordering::SeqCst);
        for round in 1..=3 {
            now += PERIOD;
            workers.iter_mut().for_each(|worker| worker.feed(now));
            assert_eq!(told(), round);
        }
        for _ in 0..10 {
            now += PERIOD;
            workers[..2].iter_mut().for_each(|worker| worker.feed(now));
        }
        assert_eq!(told(), 3, "the third is stuck");
        workers[2].feed(now);
        assert_eq!(told(), 4, "and comes round again");
        now += PERIOD;
        workers.drain(..2);
        workers[0].feed(now);
        assert_eq!(told(), 5, "nobody waits for those that have ended");
    }

    #[test]
    fn it_is_fed_once_in_a_period() {
        let (watchdog, count) = counting();
        let mut worker = watchdog.feeders(1).remove(0);
        let now = Instant::now();
        (0..100).for_each(|_| worker.feed(now));
        assert_eq!(count.load(Ordering::SeqCst), 1);
        assert_eq!(worker.due(), now + PERIOD);
    }
}
