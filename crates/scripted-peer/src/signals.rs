//! Starts programs with the default action for every signal, whatever this process has inherited. A
//! program would otherwise inherit its signal mask and its ignored signals (`execve(2)`), and
//! SIGTERM might then not end it.

use std::fs;
use std::io;
use std::sync::Once;

use nix::sys::signal::{SigSet, SigmaskHow};
use signal_hook::consts::{
    SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
};

/// Calls `spawn` on this thread with an empty signal mask, which the child inherits.
pub(crate) fn with_signals<T>(spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    static ONCE: Once = Once::new();
    ONCE.call_once(catch_what_is_ignored);
    let ours = SigSet::empty().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let child = spawn();
    ours.thread_set_mask()?;
    child
}

/// Installs a handler that does nothing for each signal that this process ignores. A caught signal
/// gets its default action in a program started from here, while an ignored one would stay ignored.
/// For this process itself the signals are still as good as ignored. (SIGCHLD is different: while
/// it is ignored, a process can't wait for its children, `wait(2)`.)
fn catch_what_is_ignored() {
    let ignored = ignored();
    for signal in [
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGCHLD, SIGTSTP,
    ] {
        if ignored & 1 << (signal - 1) != 0 {
            let _ = signal_hook::flag::register(signal, std::sync::Arc::default());
        }
    }
}

/// Which signals this process ignores. Without `/proc`, safe code can't find that out.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}
