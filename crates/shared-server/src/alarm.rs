//! Ends the poller's wait when the next deadline is reached.
//!
//! On Linux this is a timer that the poller watches (`timerfd_create(2)`); it is set again only for
//! a deadline earlier than the one it is set for. A timeout passed to `epoll_wait` would have to be
//! set and canceled by the kernel on every wait, which costs 5 % of a round trip. On other systems,
//! the deadline becomes the timeout of the wait.

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
    /// Sets the alarm, so that the poller's wait ends by `due`. Returns the timeout for that wait,
    /// or `None` if the timer ends it. Firing too early is harmless, so an earlier alarm stays set.
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
            // No timer is set either: the wait itself ends in time.
            _ => {
                self.set_for = None;
                Some(wait)
            }
        }
    }
    // ANCHOR_END: set

    /// Notes that the alarm has fired.
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

    /// Returns the timeout for a wait that must end by `due`.
    pub(crate) fn set(&mut self, due: Option<Instant>, now: Instant) -> Option<Duration> {
        due.map(|due| due.saturating_duration_since(now))
    }

    pub(crate) fn fired(&mut self) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_that_was_due_already_does_not_stand_in_the_way_of_the_next() {
        let mut poll = mio::Poll::new().unwrap();
        let mut alarm = Alarm::new(poll.registry(), Token(7)).unwrap();
        let now = Instant::now();
        let later = now + Duration::from_secs(3600);
        assert_eq!(alarm.set(Some(later), now), None, "the timer is set");
        assert_eq!(alarm.set(Some(now), now), Some(Duration::ZERO));
        let soon = now + Duration::from_millis(1);
        let long = now + Duration::from_secs(7200);
        assert_eq!(alarm.set(Some(long), now), None);
        assert_eq!(alarm.set(Some(soon), now), None);
        let mut events = mio::Events::with_capacity(1);
        poll.poll(&mut events, Some(Duration::from_secs(30)))
            .unwrap();
        assert!(!events.is_empty(), "it fired");
    }
}
