//! Ends the poller's wait when the next deadline has come.
//!
//! On Linux by a timer of its own, `timerfd_create(2)`, that is set only when an earlier deadline
//! comes up. A timeout given to `epoll_wait` would be set and cancelled with each wait: 5 % of a
//! round trip. Elsewhere the deadline is the wait's timeout.

use mio::{Registry, Token};
use std::io;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: std::os::fd::OwnedFd,
    set_for: Option<Instant>,
}

#[cfg(target_os = "linux")]
impl Alarm {
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        use std::os::fd::AsRawFd;
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let source = timer.as_raw_fd();
        registry.register(
            &mut mio::unix::SourceFd(&source),
            token,
            mio::Interest::READABLE,
        )?;
        Ok(Alarm {
            timer,
            set_for: None,
        })
    }

    // ANCHOR: set
    /// How long the poller may wait, given when it must have come back: here until it is woken.
    /// An alarm that comes too early is harmless, so one that is due before stays.
    pub(crate) fn set(&mut self, due: Option<Instant>, now: Instant) -> Option<Duration> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        let due = due?;
        if self.set_for.is_some_and(|set_for| set_for <= due) {
            return None;
        }
        let wait = due.saturating_duration_since(now);
        let once = Timespec::default();
        let setting = Timespec::try_from(wait)
            .map(|it_value| Itimerspec {
                it_interval: once,
                it_value,
            })
            .map(|setting| timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &setting));
        match setting {
            // A timer set to 0 would be switched off.
            Ok(Ok(_)) if !wait.is_zero() => {
                self.set_for = Some(due);
                None
            }
            _ => Some(wait),
        }
    }
    // ANCHOR_END: set

    /// The alarm has come.
    pub(crate) fn fired(&mut self) {
        self.set_for = None;
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(crate) struct Alarm;

#[cfg(not(target_os = "linux"))]
impl Alarm {
    pub(crate) fn new(_registry: &Registry, _token: Token) -> io::Result<Self> {
        Ok(Alarm)
    }

    /// How long the poller may wait, given when it must have come back.
    pub(crate) fn set(&mut self, due: Option<Instant>, now: Instant) -> Option<Duration> {
        due.map(|due| due.saturating_duration_since(now))
    }

    pub(crate) fn fired(&mut self) {}
}
