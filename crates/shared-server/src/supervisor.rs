//! What a server reports to the supervisor that started it: that clients can connect, that it is
//! stopping, and that it is not stuck.
//!
//! The protocol is that of `sd_notify(3)`: one datagram per message, to the socket that
//! `NOTIFY_SOCKET` names. The server never waits for the supervisor, and keeps serving if the
//! supervisor isn't reading its messages or is gone. If there is no supervisor, as in a shell,
//! nothing is sent.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::event::Event;
use crate::limits::LONGEST;
use crate::server::Server;
use crate::transport::Transport;
use crate::watchdog::Watchdog;

/// The shortest watchdog time that is honored: no setting can make a server spin.
const SHORTEST: Duration = Duration::from_millis(2);

/// The supervisor of this process, if it has one. All clones report to the same supervisor.
///
/// ```no_run
/// # use shared_server::{Server, Supervisor, Transport, TutorialService, Event};
/// # fn serve(transport: impl Transport + 'static) -> std::io::Result<()> {
/// let supervisor = Supervisor::from_env();
/// let mut server = Server::new(transport, Default::default())?;
/// supervisor.follow(&mut server, |event: &Event| eprintln!("{event}"));
/// let server = server.start(TutorialService::default)?;
/// let _ = supervisor.ready(); // a supervisor that doesn't listen doesn't stop the server
/// server.serve()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Supervisor {
    messenger: Arc<Messenger>,
    watchdog: Option<Watchdog>,
}

#[derive(Debug)]
struct Messenger {
    socket: io::Result<Option<NotifySocket>>,
    /// The last message, if it found no room.
    unsaid: Mutex<Option<&'static str>>,
    stopping: AtomicBool,
}

impl Supervisor {
    /// Finds the supervisor through the environment: `NOTIFY_SOCKET` names its socket
    /// (`sd_notify(3)`), and if it wants regular signs of life, `WATCHDOG_USEC` and `WATCHDOG_PID`
    /// say how often and from which process (`sd_watchdog_enabled(3)`). Without `NOTIFY_SOCKET`,
    /// nothing is ever sent.
    ///
    /// This function never fails. If the socket's name cannot be used, [`ready`](Self::ready)
    /// returns the error.
    #[must_use]
    pub fn from_env() -> Self {
        let messenger = Arc::new(Messenger {
            socket: NotifySocket::from_env(),
            unsaid: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let watched = matches!(messenger.socket, Ok(Some(_))).then(watchdog_time);
        let watchdog = watched.flatten().map(|time| {
            let messenger = Arc::clone(&messenger);
            // Reporting after half the time is the rule: sd_watchdog_enabled(3).
            Watchdog::new(time / 2, move || messenger.say_alive())
        });
        Self {
            messenger,
            watchdog,
        }
    }

    /// From now on, tells the supervisor when this server begins to drain and, if the supervisor
    /// has asked for it, that the server's workers are not stuck. Also adds `observer` to the
    /// server's observers: see [`Server::on_event`].
    pub fn follow<T: Transport>(
        &self,
        server: &mut Server<T>,
        observer: impl Fn(&Event) + Send + Sync + 'static,
    ) {
        if let Some(watchdog) = &self.watchdog {
            server.feed(watchdog);
        }
        let supervisor = self.clone();
        server.on_event(move |event| {
            if let Event::Draining { .. } = event {
                supervisor.stopping();
            }
            observer(event);
        });
    }

    /// Tells the supervisor that clients can connect (`READY=1`). Don't call it before they can.
    ///
    /// # Errors
    ///
    /// If the message could not be sent now; the error names the supervisor's socket. Report it,
    /// but don't stop because of it.
    pub fn ready(&self) -> io::Result<()> {
        self.messenger.say("READY=1").map_err(|error| {
            let name = std::env::var_os("NOTIFY_SOCKET").unwrap_or_default();
            let told = format!("NOTIFY_SOCKET={}: {error}", name.display());
            io::Error::new(error.kind(), told)
        })
    }

    /// Tells the supervisor that this process is about to end (`STOPPING=1`). Only the first call
    /// sends the message. If you use [`follow`](Self::follow), the first server that begins to
    /// drain does this for you.
    pub fn stopping(&self) {
        if !self.messenger.stopping.swap(true, Ordering::SeqCst) {
            let _ = self.messenger.say("STOPPING=1");
        }
    }
}

impl Messenger {
    // ANCHOR: say
    /// Sends new messages once, without waiting. A message that finds no room is sent again with
    /// the next sign of life, unless a newer message replaces it.
    fn say(&self, news: &'static str) -> io::Result<()> {
        let mut unsaid = self.unsaid();
        *unsaid = Some(news);
        self.send(news)?;
        *unsaid = None;
        Ok(())
    }

    fn say_alive(&self) {
        let mut unsaid = self.unsaid();
        let message = match *unsaid {
            Some(news) => format!("{news}\nWATCHDOG=1"),
            None => "WATCHDOG=1".to_owned(),
        };
        if self.send(&message).is_ok() {
            *unsaid = None;
        }
    }
    // ANCHOR_END: say

    fn send(&self, message: &str) -> io::Result<()> {
        match &self.socket {
            Ok(Some(socket)) => socket.send(message),
            Ok(None) => Ok(()),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }

    fn unsaid(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.unsaid.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often the supervisor wants to hear from this process, if at all.
fn watchdog_time() -> Option<Duration> {
    let variable = |name| std::env::var(name).ok();
    let for_us = variable("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
    let time = variable("WATCHDOG_USEC").filter(|_| for_us)?;
    let time = time.parse().ok().filter(|time| *time > 0)?;
    Some(Duration::from_micros(time).clamp(SHORTEST, LONGEST))
}

#[cfg(unix)]
use on_unix::NotifySocket;

#[cfg(unix)]
mod on_unix {
    use std::ffi::OsStr;
    use std::io;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    /// The supervisor's address, and a socket to send from.
    #[derive(Debug)]
    pub(super) struct NotifySocket {
        socket: UnixDatagram,
        supervisor: SocketAddr,
    }

    impl NotifySocket {
        pub(super) fn from_env() -> io::Result<Option<Self>> {
            let name = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty());
            name.map(|name| Self::named(&name)).transpose()
        }

        // ANCHOR: named
        fn named(name: &OsStr) -> io::Result<Self> {
            let supervisor = match name.as_bytes() {
                [b'/', ..] => SocketAddr::from_pathname(name)?,
                [b'@', name @ ..] => abstract_name(name)?,
                _ => {
                    return Err(unusable(
                        "it is neither an absolute path nor an abstract name",
                    ));
                }
            };
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            Ok(Self { socket, supervisor })
        }

        /// Sends to the address each time, without a connection: by now the supervisor may have
        /// bound a new socket to that address.
        pub(super) fn send(&self, message: &str) -> io::Result<()> {
            let sent = self
                .socket
                .send_to_addr(message.as_bytes(), &self.supervisor);
            sent.map(drop)
        }
        // ANCHOR_END: named
    }

    /// The `@` stands for a zero byte, `unix(7)`.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn abstract_name(name: &[u8]) -> io::Result<SocketAddr> {
        #[cfg(target_os = "android")]
        use std::os::android::net::SocketAddrExt;
        #[cfg(target_os = "linux")]
        use std::os::linux::net::SocketAddrExt;
        SocketAddr::from_abstract_name(name)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn abstract_name(_: &[u8]) -> io::Result<SocketAddr> {
        Err(unusable("only Linux has abstract names"))
    }

    fn unusable(why: &str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidInput, why)
    }
}

#[cfg(not(unix))]
use elsewhere::NotifySocket;

/// On other systems no supervisor uses this protocol.
#[cfg(not(unix))]
mod elsewhere {
    #[derive(Debug)]
    pub(super) struct NotifySocket;

    impl NotifySocket {
        pub(super) fn from_env() -> std::io::Result<Option<Self>> {
            Ok(None)
        }

        pub(super) fn send(&self, _: &str) -> std::io::Result<()> {
            Ok(())
        }
    }
}
