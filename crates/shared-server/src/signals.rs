//! SIGINT and SIGTERM drain a server; a second signal ends it immediately.
//!
//! Both signals are caught even if this process inherited them blocked (`sigprocmask(2)`) or
//! ignored (`signal(7)`): a shell script, for example, starts programs with `&` so that they ignore
//! SIGINT. nginx, Redis and PostgreSQL catch the signals in that case as well.
//!
//! The handler writes a byte into a socket pair that the first worker's poller watches, so no
//! separate thread has to wait for signals. In a process with a second thread, system calls on
//! descriptors cost more, because the kernel then counts the users of each descriptor (2 % of a
//! round trip).

#[cfg(unix)]
pub(crate) use on_unix::Arrivals;
#[cfg(unix)]
pub use on_unix::Signals;
#[cfg(windows)]
pub(crate) use on_windows::Arrivals;
#[cfg(windows)]
pub use on_windows::Signals;

#[cfg(unix)]
mod on_unix {
    use std::io::{self, Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;

    use mio::unix::SourceFd;
    use mio::{Interest, Registry, Token};
    use nix::sys::signal::{SigSet, Signal};
    use rustix::net::{RecvFlags, recv};
    use signal_hook::SigId;
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::low_level::{pipe, unregister};

    use crate::descriptors::with_advice;
    use crate::shared::Handle;

    /// SIGINT and SIGTERM, caught to end one server or several: see
    /// [`Server::end_on`](crate::Server::end_on). Signals that arrive before then are kept for the
    /// server.
    #[derive(Debug)]
    pub struct Signals {
        held: Arrivals,
    }

    /// The signals on their way to one server.
    #[derive(Debug)]
    pub(crate) struct Arrivals {
        arriving: Arc<mio::net::UnixStream>,
        writing: UnixStream,
        registered: Vec<SigId>,
        /// Signals that were held for this server; they are dropped with it.
        held: Option<Arc<mio::net::UnixStream>>,
    }

    impl Signals {
        /// Catches SIGINT and SIGTERM from now on, and unblocks them in this thread and in the
        /// threads that it starts.
        ///
        /// # Errors
        ///
        /// Those of `sigaction(2)`, `socketpair(2)` and `pthread_sigmask(3)`.
        pub fn catch() -> io::Result<Self> {
            let held = Arrivals::new().map_err(with_advice)?;
            let both: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
            both.thread_unblock()?;
            Ok(Self { held })
        }

        /// Returns the signals for one server: those that arrive from now on, and those that are
        /// held.
        pub(crate) fn arrivals(&self, _server: Handle) -> io::Result<Arrivals> {
            let mut arrivals = Arrivals::new()?;
            arrivals.held = Some(Arc::clone(&self.held.arriving));
            // A signal that arrives at this moment may be counted both ways: two this close
            // together count as one.
            if self.held.waits() {
                (&arrivals.writing).write_all(&[0])?;
            }
            Ok(arrivals)
        }
    }

    impl Arrivals {
        fn new() -> io::Result<Self> {
            let (writing, arriving) = UnixStream::pair()?;
            arriving.set_nonblocking(true)?;
            let mut arrivals = Self {
                arriving: Arc::new(mio::net::UnixStream::from_std(arriving)),
                writing,
                registered: Vec::new(),
                held: None,
            };
            for signal in [SIGINT, SIGTERM] {
                let id = pipe::register(signal, arrivals.writing.try_clone()?)?;
                arrivals.registered.push(id);
            }
            Ok(arrivals)
        }

        pub(crate) fn watch(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
            let arriving = self.arriving.as_raw_fd();
            registry.register(&mut SourceFd(&arriving), token, Interest::READABLE)
        }

        fn waits(&self) -> bool {
            let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
            recv(&*self.arriving, &mut [0_u8], flags).is_ok()
        }

        // ANCHOR: take
        /// Returns whether a signal has arrived since the last call; several at the same time count
        /// as one.
        pub(crate) fn take(&mut self) -> bool {
            let mut came = false;
            let mut buffer = [0; 16];
            while let Ok(1..) = (&*self.arriving).read(&mut buffer) {
                came = true;
            }
            came
        }
        // ANCHOR_END: take
    }

    impl Drop for Arrivals {
        fn drop(&mut self) {
            for id in self.registered.drain(..) {
                unregister(id);
            }
            // A signal that ended this server does not end a server started after it.
            if let Some(held) = self.held.take() {
                while let Ok(1..) = (&*held).read(&mut [0; 16]) {}
            }
        }
    }
}

#[cfg(windows)]
mod on_windows {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use mio::{Registry, Token};

    use crate::shared::Handle;

    /// Ctrl-C, which ends one server or several.
    #[derive(Debug)]
    pub struct Signals {
        servers: Arc<Mutex<Vec<Handle>>>,
    }

    /// Empty on this system: a separate thread tells the server.
    #[derive(Debug)]
    pub(crate) struct Arrivals;

    impl Signals {
        /// Catches Ctrl-C from now on. A Ctrl-C before there is a server to end is lost.
        ///
        /// # Errors
        ///
        /// If Ctrl-C is already caught.
        pub fn catch() -> io::Result<Self> {
            let servers = Arc::new(Mutex::new(Vec::<Handle>::new()));
            let told = Arc::clone(&servers);
            ctrlc::set_handler(move || {
                let servers = told.lock().unwrap_or_else(PoisonError::into_inner);
                servers.iter().for_each(Handle::signal);
            })
            .map_err(io::Error::other)?;
            Ok(Self { servers })
        }

        pub(crate) fn arrivals(&self, server: Handle) -> io::Result<Arrivals> {
            let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
            servers.push(server);
            Ok(Arrivals)
        }
    }

    impl Arrivals {
        pub(crate) fn watch(&mut self, _registry: &Registry, _token: Token) -> io::Result<()> {
            Ok(())
        }

        pub(crate) fn take(&mut self) -> bool {
            false
        }
    }
}
