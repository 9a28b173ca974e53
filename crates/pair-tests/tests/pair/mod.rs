//! What holds for both pairs, written once: `tests/tcp.rs` and `tests/unix.rs` each take these files
//! in, beside a `transport` of their own, and so run the same tests over TCP and over Unix sockets.
//!
//! No test waits for a fixed time. Each waits for what it wants to see, and gives up at
//! [`DEADLINE`].

pub mod deadlines;
pub mod fake_server;
#[allow(dead_code, reason = "one pair alone looks at addresses")]
pub mod inherited;
pub mod limits;
pub mod peer;
pub mod process;
pub mod server;

mod beside_the_bytes;
mod commands;
mod crowd;
mod drain;
mod log;
mod python;
mod refusals;
mod restarts;
mod session;
mod starting;
mod supervisor;
mod wire;

use std::time::Duration;

/// When a test gives up waiting: far longer than anything takes, also on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Looks again and again until there is something to see.
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    scripted_peer::appears(what, DEADLINE, look).now()
}
