//! From a listener to running workers, and how they end.

use crate::accepting::Door;
use crate::alarm::Alarm;
use crate::descriptors;
use crate::event::Event;
use crate::limits::Limits;
use crate::service::Service;
use crate::shared::{Handle, Shared};
use crate::signals::Signals;
use crate::transport::Transport;
use crate::worker::{ALARM, LISTENER, SIGNALS, WAKER, Worker};
use mio::{Interest, Poll, Waker};
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every request that had come was answered.
    Drained,
    /// A deadline or a second signal cut connections off.
    Cut,
}

/// A listening server that does not serve yet.
#[derive(Debug)]
pub struct Server<T> {
    transport: T,
    limits: Limits,
    lingering: usize,
    polls: Vec<(Poll, Alarm)>,
    shared: Arc<Shared>,
    signals: Option<Signals>,
    /// What happened before anybody could be told.
    early: Option<Event>,
}

impl<T: Transport> Server<T> {
    /// Prepares the workers, and raises the soft limit on open files as far as `max_clients`
    /// needs. Where the hard limit is too low, `max_clients` shrinks, and an [`Event`] says so.
    ///
    /// # Errors
    ///
    /// Those of creating pollers, of which each worker needs one.
    pub fn new(mut transport: T, mut limits: Limits) -> io::Result<Self> {
        let mut polls = Vec::new();
        let mut wakers = Vec::new();
        for _ in 0..limits.workers.get() {
            let poll = Poll::new()?;
            wakers.push(Waker::new(poll.registry(), WAKER)?);
            let alarm = Alarm::new(poll.registry(), ALARM)?;
            polls.push((poll, alarm));
        }
        polls[0]
            .0
            .registry()
            .register(transport.listener(), LISTENER, Interest::READABLE)?;

        let wanted = limits.max_clients;
        let room = descriptors::make_room(wanted.get());
        limits.max_clients = NonZeroUsize::new(room.clients).unwrap_or(NonZeroUsize::MIN);
        let early = (limits.max_clients < wanted).then(|| Event::FewerClients {
            wanted: wanted.get(),
            allowed: limits.max_clients.get(),
        });
        let shared = Arc::new(Shared::new(limits.max_clients.get(), wakers));
        Ok(Server {
            transport,
            limits,
            lingering: room.lingering,
            polls,
            shared,
            signals: None,
            early,
        })
    }

    /// Tells `observer` of what happens from now on, and of what happened in [`Server::new`]. Without
    /// it nobody is told: the server itself prints nothing.
    ///
    /// It is called by the threads that serve, in the midst of it, so it must neither block nor
    /// panic. The first observer stays.
    pub fn on_event(&mut self, observer: impl Fn(&Event) + Send + Sync + 'static) {
        self.shared.observer.set(observer);
        if let Some(event) = self.early.take() {
            self.shared.tell(&event);
        }
    }

    /// What ends the server.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared))
    }

    /// From now on the first signal drains the server, those already held included, and a later one
    /// cuts it. What comes within 200 ms of the first is the first, sent twice.
    ///
    /// # Errors
    ///
    /// If the signals cannot be watched.
    pub fn end_on(&mut self, mut signals: Signals) -> io::Result<()> {
        signals.watch(self.polls[0].0.registry(), SIGNALS, self.handle())?;
        self.signals = Some(signals);
        Ok(())
    }

    /// Serves, in this thread and one more for each further worker, until it is told to end.
    /// `make_service` is called once for each worker.
    ///
    /// # Errors
    ///
    /// If a poller fails or a thread cannot be started: nothing that one client could cause.
    pub fn run<S: Service>(self, mut make_service: impl FnMut() -> S) -> io::Result<Outcome> {
        let handle = self.handle();
        let mut polls = self.polls.into_iter();
        let Some(first_poll) = polls.next() else {
            return Ok(Outcome::Drained);
        };
        let each = (
            self.limits.clone(),
            (self.lingering / self.limits.workers).max(1),
        );

        let mut senders = Vec::new();
        let mut others = Vec::new();
        for poll in polls {
            let (sender, arrivals) = channel();
            let shared = Arc::clone(&self.shared);
            senders.push(sender);
            let service = make_service();
            others.push(Worker::<T, S>::new(
                poll,
                None,
                arrivals,
                each.clone(),
                shared,
                service,
            ));
        }
        let door = Door::new(self.transport, senders);
        let (_, nobody) = channel();
        let mut first = Worker::new(
            first_poll,
            Some(door),
            nobody,
            each,
            self.shared,
            make_service(),
        );
        first.signals = self.signals;

        thread::scope(|scope| {
            let all = EndTogether(&handle);
            let mut running = Vec::new();
            for worker in others {
                let run = || EndTogether(&handle).unless_ok(worker.run());
                running.push(
                    thread::Builder::new()
                        .name("worker".into())
                        .spawn_scoped(scope, run)?,
                );
            }
            let mut outcomes = vec![all.unless_ok(first.run())];
            for worker in running {
                let died = |_| Err(io::Error::other("a worker died"));
                outcomes.push(worker.join().unwrap_or_else(died));
            }
            let outcomes: Vec<Outcome> = outcomes.into_iter().collect::<io::Result<_>>()?;
            Ok(if outcomes.contains(&Outcome::Cut) {
                Outcome::Cut
            } else {
                Outcome::Drained
            })
        })
    }
}

// ANCHOR: together
/// Cuts all workers when it is dropped: by an error, or by a panic of one of them.
struct EndTogether<'a>(&'a Handle);

impl EndTogether<'_> {
    fn unless_ok(self, outcome: io::Result<Outcome>) -> io::Result<Outcome> {
        if outcome.is_ok() {
            std::mem::forget(self);
        }
        outcome
    }
}

impl Drop for EndTogether<'_> {
    fn drop(&mut self) {
        self.0.cut();
    }
}
// ANCHOR_END: together
