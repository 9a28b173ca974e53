//! Waiting for a descriptor to become ready, up to a given moment.

use std::os::fd::AsFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Waits until there is something to read or to accept, and returns whether there is, by `until`.
pub(crate) fn readable(descriptor: &impl AsFd, until: Instant) -> bool {
    wait(descriptor, PollFlags::IN, until).intersects(!PollFlags::OUT)
}

/// Waits for any of `events`, an error or a hang-up, and returns which of them occurred; an empty
/// set when the time is up.
pub(crate) fn wait(descriptor: &impl AsFd, events: PollFlags, until: Instant) -> PollFlags {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).expect("a wait is shorter than an age");
        let mut polled = [PollFd::new(descriptor, events)];
        match poll(&mut polled, Some(&timeout)) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return polled[0].revents(),
            Err(error) => panic!("poll failed: {error}"),
        }
    }
}
