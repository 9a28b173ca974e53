//! From a listener to running workers, and how they end.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use mio::Waker;

use crate::acceptor::Acceptor;
use crate::descriptors;
use crate::event::Event;
use crate::handover::Handover;
use crate::ledger::{self, Claim};
use crate::limits::Limits;
use crate::poller::{self, Poller};
use crate::service::Service;
use crate::shared::{Handle, Outcome, Shared};
use crate::signals::{Arrivals, Signals};
use crate::transport::Transport;
use crate::watchdog::Watchdog;
use crate::worker::{Parts, Worker};

/// A server that is listening, but is not serving clients yet.
#[derive(Debug)]
pub struct Server<T> {
    transport: T,
    limits: Limits,
    pollers: Vec<Poller>,
    shared: Arc<Shared>,
    claim: Claim,
    signals: Option<Arrivals>,
    watchdog: Option<Watchdog>,
}

impl<T: Transport> Server<T> {
    /// Prepares the workers, and raises the soft limit on open files (`RLIMIT_NOFILE`,
    /// `getrlimit(2)`) as far as they and [`Limits::max_clients`] need.
    ///
    /// # Errors
    ///
    /// If a poller cannot be created, usually for lack of descriptors: each worker needs one
    /// poller.
    pub fn new(mut transport: T, limits: Limits) -> io::Result<Self> {
        let limits = limits.bounded();
        let of_workers = limits.workers.get() * poller::DESCRIPTORS;
        // Before the first poller is opened.
        descriptors::make_room(of_workers, limits.max_clients.get());
        let (pollers, wakers) = open_pollers(limits.workers.get())?;
        pollers[0].watch_listener(transport.listener())?;

        let shared = Arc::new(Shared::new(limits.max_clients.get(), wakers));
        Ok(Self {
            transport,
            limits,
            pollers,
            claim: Claim::new(&shared),
            shared,
            signals: None,
            watchdog: None,
        })
    }

    /// Adds an observer, to which the server reports its events. Each observer receives all events,
    /// after the observers that were added before it. Without an observer nothing is reported: the
    /// server itself prints nothing.
    ///
    /// The serving threads call the observers, so these must neither block nor panic.
    pub fn on_event(&mut self, observer: impl Fn(&Event) + Send + Sync + 'static) {
        self.shared.observer.add(observer);
    }

    /// Returns a handle through which any thread can end the server.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared))
    }

    /// Makes the first of these signals drain the server, and a second one cut it. A signal that
    /// arrived before this call, and has not ended a server yet, counts as well. The same `signals`
    /// may end several servers of one process.
    ///
    /// # Errors
    ///
    /// If the signals cannot be registered with the poller.
    pub fn end_on(&mut self, signals: &Signals) -> io::Result<()> {
        let arrivals = signals.arrivals(self.handle());
        let mut arrivals = arrivals.map_err(descriptors::with_advice)?;
        self.pollers[0].watch_signals(&mut arrivals)?;
        self.signals = Some(arrivals);
        Ok(())
    }

    /// Makes each worker of this server feed `watchdog` from its loop, so that the watchdog falls
    /// silent if a worker gets stuck.
    pub fn feed(&mut self, watchdog: &Watchdog) {
        self.watchdog = Some(watchdog.clone());
    }

    /// Starts a thread for each worker except the first, which runs in [`Running::serve`]: call
    /// that next. `make_service` is called once per worker.
    ///
    /// Raises the soft limit on open files (`RLIMIT_NOFILE`, `getrlimit(2)`) as far as
    /// [`Limits::max_clients`] needs. If the hard limit is too low for that, the server serves
    /// fewer clients, and reports [`Event::FewerClients`] when it begins to serve. The servers of
    /// one process share the limit equally, whichever of them is started first: when one is
    /// started, the shares of all are set anew, so the number of clients of a server that is
    /// already serving may fall.
    ///
    /// # Errors
    ///
    /// If the hard limit on open files leaves no room for even one client for each server, or if a
    /// thread cannot be started.
    pub fn start<S: Service>(
        mut self,
        mut make_service: impl FnMut() -> S,
    ) -> io::Result<Running<T, S>>
    where
        T: 'static,
    {
        ledger::divide()?;
        let workers = self.limits.workers;
        let (handover, receivers) = Handover::to(workers.get());
        // All are added before the first one feeds it: it is silent until all have completed a
        // loop.
        let feeders = self
            .watchdog
            .iter()
            .flat_map(|dog| dog.feeders(workers.get()));
        let mut feeders: Vec<_> = feeders.collect();
        let mut make_worker = |index, poller, newcomers| Parts {
            index,
            poller,
            acceptor: None,
            handover: None,
            signals: None,
            feeder: feeders.pop(),
            newcomers,
            limits: self.limits.clone(),
            shared: Arc::clone(&self.shared),
            service: make_service(),
        };
        let mut threads = Threads(Handle(Arc::clone(&self.shared)), Vec::new());
        let others = self.pollers.split_off(1);
        for (at, (poller, newcomers)) in others.into_iter().zip(receivers).enumerate() {
            threads.start(Worker::new(make_worker(at + 1, poller, newcomers)))?;
        }
        let (_, nobody) = channel();
        let poller = self.pollers.remove(0);
        let first = Worker::new(Parts {
            acceptor: Some(Acceptor::new(self.transport)),
            handover: Some(handover),
            signals: self.signals,
            ..make_worker(0, poller, nobody)
        });
        Ok(Running {
            first,
            threads,
            _claim: self.claim,
        })
    }

    /// Calls [`start`](Self::start), then [`Running::serve`]: serves in this thread, and in one
    /// more thread for each further worker, until the server is asked to end. Returns how serving
    /// ended.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start) and [`Running::serve`].
    pub fn run<S: Service>(self, make_service: impl FnMut() -> S) -> io::Result<Outcome>
    where
        T: 'static,
    {
        self.start(make_service)?.serve()
    }
}

fn open_pollers(workers: usize) -> io::Result<(Vec<Poller>, Vec<Waker>)> {
    let opened: io::Result<Vec<_>> = (0..workers).map(|_| Poller::open()).collect();
    let opened = opened.map_err(|error| {
        let needed = poller::DESCRIPTORS;
        let told = format!(
            "{workers} workers need {needed} descriptors each: {error}; \
             try fewer with --workers, or a higher limit on open files (ulimit -Hn)"
        );
        io::Error::new(error.kind(), told)
    })?;
    Ok(opened.into_iter().unzip())
}

/// A server whose other threads are running, but which does not accept clients until
/// [`serve`](Self::serve) is called. Dropping it ends the server.
pub struct Running<T: Transport, S> {
    first: Worker<T, S>,
    threads: Threads,
    _claim: Claim,
}

impl<T: Transport, S: Service> Running<T, S> {
    /// Returns a handle through which any thread can end the server.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.threads.0.clone()
    }

    /// Accepts and serves clients, in this thread and in those of the other workers, until the
    /// server is asked to end. Returns how serving ended.
    ///
    /// # Errors
    ///
    /// If a poller or a thread fails, which no client can cause.
    pub fn serve(mut self) -> io::Result<Outcome> {
        self.threads.0.0.serving_begins();
        let first = CutOnDrop(&self.threads.0).unless_ok(self.first.run());
        let mut outcomes = vec![first];
        for thread in self.threads.1.drain(..) {
            let died = |_| Err(io::Error::other("a worker died"));
            outcomes.push(thread.join().unwrap_or_else(died));
        }
        let outcomes: Vec<Outcome> = outcomes.into_iter().collect::<io::Result<_>>()?;
        Ok(if outcomes.contains(&Outcome::Cut) {
            Outcome::Cut
        } else {
            Outcome::Drained
        })
    }
}

/// The threads of the other workers. Dropping this ends those that still run, at once.
struct Threads(Handle, Vec<JoinHandle<io::Result<Outcome>>>);

impl Threads {
    fn start<T, S>(&mut self, worker: Worker<T, S>) -> io::Result<()>
    where
        T: Transport + 'static,
        S: Service,
    {
        let handle = self.0.clone();
        let run = move || CutOnDrop(&handle).unless_ok(worker.run());
        let thread = thread::Builder::new().name("worker".into()).spawn(run);
        let thread = thread.map_err(|error| {
            let told = format!("a worker's thread: {error}; try fewer with --workers");
            io::Error::new(error.kind(), told)
        })?;
        self.1.push(thread);
        Ok(())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if !self.1.is_empty() {
            self.0.cut();
        }
        for thread in self.1.drain(..) {
            let _ = thread.join();
        }
    }
}

// ANCHOR: together
/// Cuts all workers when it is dropped: by an error, or by a panic of one of them.
struct CutOnDrop<'a>(&'a Handle);

impl CutOnDrop<'_> {
    fn unless_ok(self, outcome: io::Result<Outcome>) -> io::Result<Outcome> {
        if outcome.is_ok() {
            std::mem::forget(self);
        }
        outcome
    }
}

impl Drop for CutOnDrop<'_> {
    fn drop(&mut self) {
        self.0.cut();
    }
}
// ANCHOR_END: together
