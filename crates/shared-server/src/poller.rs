//! What a worker waits on: its connections, and whatever else can wake it.

use std::io;
use std::time::Instant;

use mio::event::{Event, Source};
use mio::{Events, Interest, Poll, Token, Waker};

use crate::alarm::Alarm;
use crate::signals::Arrivals;

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);
const SIGNALS: Token = Token(usize::MAX - 2);
const ALARM: Token = Token(usize::MAX - 3);

/// The descriptors that a poller opens: its own, its waker's, its alarm's.
pub(crate) const DESCRIPTORS: usize = 3;

/// What a connection is watched for, unless replies are pending. Urgent data ends a read before
/// everything is read (`tcp(7)`); some pollers can report it as priority readiness.
#[cfg(any(target_os = "linux", target_os = "android"))]
const READING: Interest = Interest::READABLE.add(Interest::PRIORITY);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const READING: Interest = Interest::READABLE;

/// A poller and its alarm.
#[derive(Debug)]
pub(crate) struct Poller {
    poll: Poll,
    alarm: Alarm,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    Listener,
    Waker,
    Signals,
    Alarm,
    Connection(usize),
}

/// What to watch a connection for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    Reading,
    Writing,
}

impl Poller {
    pub(crate) fn open() -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let alarm = Alarm::new(poll.registry(), ALARM)?;
        Ok((Self { poll, alarm }, waker))
    }

    pub(crate) fn watch_listener(&self, listener: &mut dyn Source) -> io::Result<()> {
        let registry = self.poll.registry();
        registry.register(listener, LISTENER, Interest::READABLE)
    }

    pub(crate) fn forget_listener(&self, listener: &mut dyn Source) {
        let _ = self.poll.registry().deregister(listener);
    }

    pub(crate) fn watch_signals(&self, signals: &mut Arrivals) -> io::Result<()> {
        signals.watch(self.poll.registry(), SIGNALS)
    }

    pub(crate) fn watch(&self, stream: &mut impl Source, key: usize) -> io::Result<()> {
        let registry = self.poll.registry();
        registry.register(stream, Token(key), READING)
    }

    /// Changes what a connection is watched for. What arrived before this call is reported again.
    pub(crate) fn rewatch(
        &self,
        stream: &mut impl Source,
        key: usize,
        watch: Watch,
    ) -> io::Result<()> {
        let interest = match watch {
            Watch::Reading => READING,
            Watch::Writing => Interest::WRITABLE,
        };
        let registry = self.poll.registry();
        registry.reregister(stream, Token(key), interest)
    }

    pub(crate) fn forget(&self, stream: &mut impl Source) {
        let _ = self.poll.registry().deregister(stream);
    }

    /// Waits until something arrives, but no longer than until `due`.
    pub(crate) fn wait(
        &mut self,
        events: &mut Events,
        due: Option<Instant>,
        now: Instant,
    ) -> io::Result<()> {
        let timeout = self.alarm.set(due, now);
        self.poll.poll(events, timeout)
    }

    /// Collects what has arrived, without waiting.
    pub(crate) fn look(&mut self, events: &mut Events) -> io::Result<()> {
        self.poll.poll(events, Some(std::time::Duration::ZERO))
    }

    pub(crate) fn alarm_fired(&mut self) {
        self.alarm.fired();
    }
}

impl Woken {
    pub(crate) fn by(event: &Event) -> Self {
        match event.token() {
            LISTENER => Woken::Listener,
            WAKER => Woken::Waker,
            SIGNALS => Woken::Signals,
            ALARM => Woken::Alarm,
            Token(key) => Woken::Connection(key),
        }
    }
}

/// Whether a short read may leave something behind: the end of the stream, which arrived with the
/// bytes, or bytes behind urgent data.
pub(crate) fn may_hold_more(event: &Event) -> bool {
    let tells_all = cfg!(any(target_os = "linux", target_os = "android"));
    event.is_read_closed() || event.is_priority() || !tells_all
}

/// Whether both directions of the connection are closed.
pub(crate) fn is_gone(event: &Event) -> bool {
    event.is_read_closed() && event.is_write_closed()
}
