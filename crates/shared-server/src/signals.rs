//! SIGINT and SIGTERM drain a server; a later one cuts it.
//!
//! Both are caught whatever the program that started this one did with them. It may have blocked
//! them, and a process inherits that (`sigprocmask(2)`); it may have ignored them, as a script's
//! shell ignores SIGINT for what it starts with `&`. nginx, Redis and PostgreSQL catch them then, too.
//!
//! The handler writes a byte into a socket pair that the first worker's poller watches, so no
//! thread waits for signals: with a second thread every system call of the first costs more, for
//! the kernel then counts the users of each descriptor (2 % of a round trip).

#[cfg(unix)]
pub use on_unix::Signals;
#[cfg(windows)]
pub use on_windows::Signals;

#[cfg(unix)]
mod on_unix {
    use crate::shared::Handle;
    use mio::net::UnixStream;
    use mio::{Interest, Registry, Token};
    use nix::sys::signal::{SigSet, Signal};
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::low_level::pipe;
    use std::io::{self, Read};

    /// The signals that end a server, held back until there is one to end.
    #[derive(Debug)]
    pub struct Signals {
        arriving: UnixStream,
    }

    impl Signals {
        /// Catches SIGINT and SIGTERM from now on, and unblocks them in this thread and in those
        /// that it starts.
        ///
        /// # Errors
        ///
        /// Those of `sigaction(2)`, `socketpair(2)` and `pthread_sigmask(3)`.
        pub fn hold() -> io::Result<Self> {
            let (sending, arriving) = std::os::unix::net::UnixStream::pair()?;
            arriving.set_nonblocking(true)?;
            pipe::register(SIGINT, sending.try_clone()?)?;
            pipe::register(SIGTERM, sending)?;
            let both: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
            both.thread_unblock()?;
            Ok(Signals {
                arriving: UnixStream::from_std(arriving),
            })
        }

        pub(crate) fn watch(
            &mut self,
            registry: &Registry,
            token: Token,
            _server: Handle,
        ) -> io::Result<()> {
            registry.register(&mut self.arriving, token, Interest::READABLE)
        }

        // ANCHOR: take
        /// Whether any has come since; several at once are one.
        pub(crate) fn take(&mut self) -> bool {
            let mut came = false;
            let mut buffer = [0; 16];
            while let Ok(1..) = self.arriving.read(&mut buffer) {
                came = true;
            }
            came
        }
        // ANCHOR_END: take
    }
}

#[cfg(windows)]
mod on_windows {
    use crate::shared::Handle;
    use mio::{Registry, Token};
    use std::io;

    /// Ctrl-C, once there is a server to end.
    #[derive(Debug)]
    pub struct Signals {}

    impl Signals {
        /// Nothing is held on Windows.
        ///
        /// # Errors
        ///
        /// None.
        pub fn hold() -> io::Result<Self> {
            Ok(Signals {})
        }

        pub(crate) fn watch(
            &mut self,
            _registry: &Registry,
            _token: Token,
            server: Handle,
        ) -> io::Result<()> {
            ctrlc::set_handler(move || server.signal()).map_err(io::Error::other)
        }

        pub(crate) fn take(&mut self) -> bool {
            false
        }
    }
}
