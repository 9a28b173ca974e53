//! A program starts with the system's default for every signal, whatever this process inherited: a
//! signal mask and ignored signals would be passed on to the program (`execve(2)`), and then
//! SIGTERM would not end it.

use std::fs;
use std::io;
use std::sync::Once;

use nix::sys::signal::{SigSet, SigmaskHow};
use signal_hook::consts::{
    SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
};

/// Starts a child from this thread, with `spawn`: it inherits the thread's mask.
pub(crate) fn with_signals<T>(spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    static ONCE: Once = Once::new();
    ONCE.call_once(catch_what_is_ignored);
    let ours = SigSet::empty().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let child = spawn();
    ours.thread_set_mask()?;
    child
}

/// A signal that is caught here has its default action in a program started from here; an ignored
/// one stays ignored. The handler does nothing, so for this process the signals are still as good
/// as ignored. (SIGCHLD is different: while it is ignored, a process cannot wait for its children,
/// `wait(2)`.)
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

/// Without `/proc`, this cannot be found out in safe code.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}
