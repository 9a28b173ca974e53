//! SIGINT and SIGTERM drain a server; a second one cuts it.

use crate::log;
use crate::shared::Handle;
use std::io;

/// The signals that end a server, held back until there is one to end.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    arriving: signal_hook::iterator::Signals,
}

#[cfg(unix)]
impl Signals {
    /// Catches SIGINT and SIGTERM from now on. Starts no thread yet, so the process may still
    /// change its umask.
    ///
    /// # Errors
    ///
    /// Those of `sigaction(2)` and `socketpair(2)`.
    pub fn hold() -> io::Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        Ok(Signals {
            arriving: signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?,
        })
    }

    /// From now on the first signal drains the server, those already held included, and the
    /// second cuts it.
    ///
    /// # Errors
    ///
    /// If no thread can be started.
    pub fn end(mut self, server: Handle) -> io::Result<()> {
        let wait = move || {
            let mut arriving = self.arriving.forever();
            if arriving.next().is_some() {
                log::line(format_args!("draining: a signal came"));
                server.drain();
            }
            if arriving.next().is_some() {
                log::line(format_args!("cutting: a second signal came"));
                server.cut();
            }
        };
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(wait)
            .map(drop)
    }
}

#[cfg(windows)]
impl Signals {
    /// Nothing to hold on Windows.
    ///
    /// # Errors
    ///
    /// None.
    pub fn hold() -> io::Result<Self> {
        Ok(Signals {})
    }

    /// From now on the first Ctrl-C drains the server, and the second cuts it.
    ///
    /// # Errors
    ///
    /// If the handler cannot be set.
    pub fn end(self, server: Handle) -> io::Result<()> {
        let mut came = false;
        let caught = move || {
            if came {
                server.cut();
            } else {
                log::line(format_args!("draining: Ctrl-C"));
                server.drain();
            }
            came = true;
        };
        ctrlc::set_handler(caught).map_err(io::Error::other)
    }
}
