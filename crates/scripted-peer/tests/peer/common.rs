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

/// For the fixture, where it plays a check itself: its pictures are not those of these tests.
pub const FIXTURE: (&str, &str) = ("CARGO_PKG_NAME", "scripted-peer-fixture");

/// The verdict that `check` ends with, or nothing if it passes.
pub fn verdict(check: impl FnOnce() + Send + 'static) -> Option<String> {
    failed(check).map(|failed| failed.text)
}

/// What `check` ends with, or nothing if it passes.
pub fn failed(check: impl FnOnce() + Send + 'static) -> Option<Failed> {
    // As libtest does it: the name of the thread is that of the test.
    failed_as(thread::current().name().unwrap_or("the test"), check)
}

/// The same, as a test of this name.
pub fn failed_as(name: &str, check: impl FnOnce() + Send + 'static) -> Option<Failed> {
    let thread = thread::Builder::new().name(name.to_owned());
    match thread
        .spawn(check)
        .unwrap()
        .join()
        .err()?
        .downcast::<Failed>()
    {
        Ok(failed) => Some(*failed),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
