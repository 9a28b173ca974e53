//! What several of these tests need.

use std::thread;

use scripted_peer::{Failed, Running, program};

/// The program with this behavior, over TCP.
pub fn tcp(behavior: &str) -> Running {
    program!().arg(behavior).listen()
}

/// The program with this behavior, on a path.
pub fn unix(behavior: &str) -> Running {
    program!().arg(behavior).listen_on_path()
}

/// Both.
pub fn each(behavior: &str) -> [Running; 2] {
    [tcp(behavior), unix(behavior)]
}

/// The verdict that `check` ends with, or nothing if it passes.
pub fn verdict(check: impl FnOnce() + Send + 'static) -> Option<String> {
    let panic = thread::spawn(check).join().err()?;
    match panic.downcast::<Failed>() {
        Ok(failed) => Some(failed.0),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
