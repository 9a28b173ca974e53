//! How much a server allows, and for how long.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// The limits of a server. The defaults are those of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Clients served at the same time, over all workers; the next one gets Busy.
    pub max_clients: NonZeroUsize,
    /// The largest `length` of a frame, in bytes.
    pub max_frame: NonZeroU32,
    /// The time from a frame's first byte to its last; for the preamble, from accept.
    pub frame_timeout: Duration,
    /// The time from the first write that the socket does not accept completely until no reply is
    /// pending.
    pub reply_timeout: Duration,
    /// The time from a client's last activity until it sees the end of the stream; `None` for
    /// never.
    pub idle_timeout: Option<Duration>,
    /// The time from the beginning of draining until connections are cut.
    pub drain_timeout: Duration,
    /// Threads that serve; each connection lives on one of them.
    pub workers: NonZeroUsize,
}

/// Far longer than any sensible deadline, yet short enough that `Instant + LONGEST` cannot
/// overflow: 100 years.
pub(crate) const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl Limits {
    /// The same limits, with no time above [`LONGEST`].
    pub(crate) fn bounded(mut self) -> Self {
        let times = [
            &mut self.frame_timeout,
            &mut self.reply_timeout,
            &mut self.drain_timeout,
        ];
        for time in times.into_iter().chain(&mut self.idle_timeout) {
            *time = LONGEST.min(*time);
        }
        self
    }
}

const MAX_CLIENTS: NonZeroUsize = NonZeroUsize::new(1024).expect("not 0");
const MAX_FRAME: NonZeroU32 = NonZeroU32::new(shared_proto::DEFAULT_MAX_FRAME).expect("not 0");

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_clients: MAX_CLIENTS,
            max_frame: MAX_FRAME,
            frame_timeout: Duration::from_secs(10),
            reply_timeout: Duration::from_secs(10),
            idle_timeout: Some(Duration::from_secs(5 * 60)),
            drain_timeout: Duration::from_secs(5),
            workers: NonZeroUsize::MIN,
        }
    }
}
