//! What holds for both pairs, written once: `tcp-client/tests/pair.rs` and
//! `unix-client/tests/pair.rs` each take these files in, beside a `transport` of their own, and so
//! run the same tests over TCP and over Unix sockets.
//!
//! No test waits for a fixed time. Each waits for what it wants to see, and gives up at
//! [`DEADLINE`].

pub mod deadlines;
pub mod fake_server;
pub mod limits;
pub mod peer;
pub mod process;
pub mod process_figures;
pub mod server;

mod beside_the_bytes;
mod commands;
mod crowd;
mod drain;
mod log;
mod python;
mod refusals;
mod session;
mod starting;
mod wire;

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

/// When a test gives up waiting: far longer than anything takes, also on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Looks again and again until there is something to see.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(started.elapsed() < DEADLINE, "still not: {what}");
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// Says that this test cannot be made here: past the harness, which keeps the output of tests that
/// pass to itself, and as a line `PACKAGE TEST REASON` in the file that `CHECK_SKIPS` names.
pub fn skipped(why: &str) {
    let thread = thread::current();
    let line = format!(
        "{} {} {why}\n",
        env!("CARGO_PKG_NAME"),
        thread.name().unwrap_or_default()
    );
    let _ = write!(io::stderr(), "skipped: {line}");
    if let Some(file) = env::var_os("CHECK_SKIPS").filter(|file| !file.is_empty()) {
        let file = OpenOptions::new().create(true).append(true).open(file);
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}
