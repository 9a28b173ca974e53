//! Ctrl-C and SIGTERM. The run notices them within a slice, ends its children and removes its
//! folder.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{SIGINT, SIGTERM};

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The error that ends a run after a signal from the user or a supervisor.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Records the signals from now on, so that [`check`] can report them. A second signal has no
/// further effect, because `timeout(1)` sends two. The signals are also unblocked, in case the
/// program that started this process had blocked them.
pub fn watch() -> io::Result<()> {
    let flag = FLAG.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(flag))?;
    }
    let both = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
    Ok(both.thread_unblock()?)
}

pub fn check() -> Result<(), Interrupted> {
    match FLAG.get() {
        Some(flag) if flag.load(Ordering::Relaxed) => Err(Interrupted),
        _ => Ok(()),
    }
}
