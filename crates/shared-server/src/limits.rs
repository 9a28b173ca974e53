//! How much a server allows, and for how long.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// The limits of a server. The default values are also those of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How many clients are served at the same time, by all workers together. Any further client is
    /// answered with Busy.
    pub max_clients: NonZeroUsize,
    /// The largest `length` (kind and body) that a client's frame may declare, in bytes.
    pub max_frame: NonZeroU32,
    /// How long a frame may take to arrive, from its first byte to its last. The preamble may take
    /// as long, counted from accept.
    pub frame_timeout: Duration,
    /// How long a client has to read its pending replies, counted from the first write that its
    /// socket does not accept completely.
    pub reply_timeout: Duration,
    /// How long a client may be idle before the server ends the connection; `None` means forever.
    pub idle_timeout: Option<Duration>,
    /// How long a drain may take before the remaining connections are cut.
    pub drain_timeout: Duration,
    /// The number of threads that serve clients. Each connection stays on one of them.
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
