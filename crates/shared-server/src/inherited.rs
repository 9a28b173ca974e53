//! Listening sockets that were opened before this process began: socket activation.
//!
//! A supervisor such as systemd binds, listens, and hands the sockets to the server that it starts,
//! from descriptor 3 on. The environment says how many there are (`LISTEN_FDS`), for which process
//! (`LISTEN_PID`), and what they are called (`LISTEN_FDNAMES`): `sd_listen_fds(3)`. The supervisor
//! keeps its copies, so clients may connect while no server runs, and wait for the next one.
//!
//! Safe Rust cannot turn the number 3 into a socket, because a number does not prove that this
//! process owns the descriptor. The crate `listenfd` does that. This module also checks that the
//! sockets are meant for this process, and that they are listening.

use std::collections::VecDeque;
use std::fmt;
use std::net::TcpListener;
#[cfg(unix)]
use std::os::unix::net::UnixListener;

/// The listening sockets that this process was started with. Each has its close-on-exec flag set
/// (`FD_CLOEXEC`, `fcntl(2)`), and is still in the blocking or non-blocking mode in which it was
/// inherited.
#[derive(Debug, Default)]
pub struct Inherited {
    tcp: VecDeque<(Origin, TcpListener)>,
    #[cfg(unix)]
    unix: VecDeque<(Origin, UnixListener)>,
}

/// Identifies one of the inherited descriptors, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The descriptor's number when this process started; usually 3 for the first.
    pub number: usize,
    /// The descriptor's name in `LISTEN_FDNAMES`, which a systemd unit sets with
    /// `FileDescriptorName=`.
    pub name: Option<String>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the inherited descriptor {}", self.number)?;
        match &self.name {
            Some(name) => write!(f, " ({name})"),
            None => Ok(()),
        }
    }
}

/// The reason why the inherited descriptors cannot be served.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InheritError {
    /// `LISTEN_FDS` has this value, which cannot be a number of descriptors.
    BadCount(String),
    /// `LISTEN_FDS_FIRST_FD` has this value, which cannot be the number of an inherited descriptor.
    BadFirst(String),
    /// A descriptor is not a listening TCP or Unix socket; the text says what it is instead.
    NotAListener(Origin, &'static str),
    /// This program does not serve listeners of this kind, which the text names.
    NotServed(Origin, &'static str),
}

impl fmt::Display for InheritError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InheritError::BadCount(count) => write!(
                f,
                "LISTEN_FDS is {count:?}, not a count of inherited descriptors; unset it, \
                 or start the server through its supervisor"
            ),
            InheritError::BadFirst(first) => write!(
                f,
                "LISTEN_FDS_FIRST_FD is {first:?}, which is not the number of an inherited \
                 descriptor; unset it, or set it to 3 or more"
            ),
            InheritError::NotAListener(origin, what) => write!(
                f,
                "{origin} is {what}; pass a listening stream socket, or unset LISTEN_FDS"
            ),
            InheritError::NotServed(origin, what) => write!(
                f,
                "{origin} is {what}, which this server does not serve; give it to the server for that kind"
            ),
        }
    }
}

impl std::error::Error for InheritError {}

impl Inherited {
    /// Takes the listeners that this process was started with. There are none if `LISTEN_PID` is
    /// missing or names another process: a child process inherits the variables as well, and they
    /// may have been meant for its parent. If the listeners are this process's, removes
    /// `LISTEN_PID` and `LISTEN_FDS` from the environment, so that no child process mistakes them
    /// for its own.
    ///
    /// Call it once, at the very beginning of `main`: before a thread reads the environment, and
    /// before the program opens a descriptor, whose number might look like that of an inherited
    /// one.
    ///
    /// # Errors
    ///
    /// If the number of descriptors or the number of the first one is impossible, or if any of the
    /// descriptors is not a listening stream socket.
    #[cfg(unix)]
    pub fn from_env() -> Result<Self, InheritError> {
        on_unix::from_env()
    }

    /// Returns no listeners: on this system, no supervisor passes descriptors on in this way.
    ///
    /// # Errors
    ///
    /// None.
    #[cfg(not(unix))]
    pub fn from_env() -> Result<Self, InheritError> {
        Ok(Self::default())
    }

    /// Returns whether every inherited listener has been taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        #[cfg(unix)]
        let no_unix = self.unix.is_empty();
        #[cfg(not(unix))]
        let no_unix = true;
        self.tcp.is_empty() && no_unix
    }

    /// Takes the TCP listeners, in the order in which they were passed.
    #[must_use]
    pub fn take_tcp(&mut self) -> Vec<TcpListener> {
        self.tcp.drain(..).map(|(_, listener)| listener).collect()
    }

    /// Takes the first TCP listener with this name, for programs with several listeners.
    #[must_use]
    pub fn take_tcp_named(&mut self, name: &str) -> Option<TcpListener> {
        take_named(&mut self.tcp, name)
    }

    /// Takes the Unix listeners, in the order in which they were passed.
    #[cfg(unix)]
    #[must_use]
    pub fn take_unix(&mut self) -> Vec<UnixListener> {
        self.unix.drain(..).map(|(_, listener)| listener).collect()
    }

    /// Returns the descriptor of each Unix listener that has not been taken yet, in the order in
    /// which [`take_unix`](Self::take_unix) returns the listeners.
    #[cfg(unix)]
    #[must_use]
    pub fn unix_origins(&self) -> Vec<Origin> {
        self.unix.iter().map(|(origin, _)| origin.clone()).collect()
    }

    /// Takes the first Unix listener with this name, for programs with several listeners.
    #[cfg(unix)]
    #[must_use]
    pub fn take_unix_named(&mut self, name: &str) -> Option<UnixListener> {
        take_named(&mut self.unix, name)
    }

    /// Checks that every listener was taken. Call it when the program has taken all the listeners
    /// that it serves.
    ///
    /// # Errors
    ///
    /// [`InheritError::NotServed`] if a listener is left: its clients could connect, but would wait
    /// forever.
    pub fn finish(mut self) -> Result<(), InheritError> {
        if let Some((origin, _)) = self.tcp.pop_front() {
            return Err(InheritError::NotServed(origin, "a TCP listener"));
        }
        #[cfg(unix)]
        if let Some((origin, _)) = self.unix.pop_front() {
            return Err(InheritError::NotServed(origin, "a Unix listener"));
        }
        Ok(())
    }
}

fn take_named<L>(listeners: &mut VecDeque<(Origin, L)>, name: &str) -> Option<L> {
    let is_it = |(origin, _): &(Origin, L)| origin.name.as_deref() == Some(name);
    let at = listeners.iter().position(is_it)?;
    listeners.remove(at).map(|(_, listener)| listener)
}

#[cfg(unix)]
mod on_unix {
    use std::env;
    use std::ffi::OsStr;
    use std::fs;
    use std::os::fd::AsFd;
    use std::process;

    use listenfd::ListenFd;
    use rustix::process::{Resource, getrlimit};

    use super::{InheritError, Inherited, Origin};

    /// The first descriptor that is passed on, unless `LISTEN_FDS_FIRST_FD` says otherwise:
    /// `systemfd` sets it, and `listenfd` heeds it.
    const FIRST: usize = 3;

    pub(super) fn from_env() -> Result<Inherited, InheritError> {
        // `listenfd` treats a missing LISTEN_PID as this process's own.
        let for_us = env::var("LISTEN_PID").is_ok_and(|pid| pid == process::id().to_string());
        let Some(count) = env::var_os("LISTEN_FDS").filter(|_| for_us) else {
            return Ok(Inherited::default());
        };
        let count = number(&count, 0, limit())
            .ok_or_else(|| InheritError::BadCount(count.to_string_lossy().into_owned()))?;
        let first = match env::var_os("LISTEN_FDS_FIRST_FD") {
            Some(first) => number(&first, FIRST, limit().saturating_sub(count))
                .ok_or_else(|| InheritError::BadFirst(first.to_string_lossy().into_owned()))?,
            None => FIRST,
        };
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut handed_on = ListenFd::from_env();
        let mut inherited = Inherited::default();
        for at in 0..handed_on.len() {
            let name = names.next().filter(|name| !name.is_empty());
            let origin = Origin {
                number: first + at,
                name: name.map(ToOwned::to_owned),
            };
            inherited.take(&mut handed_on, at, origin)?;
        }
        Ok(inherited)
    }

    /// The number, if it is at least `least` and below `limit`. Other values never reach
    /// `listenfd`, which would replace an invalid one with the default, or treat 0 as a listener.
    fn number(text: &OsStr, least: usize, limit: usize) -> Option<usize> {
        let number = text.to_str()?.parse().ok()?;
        (least..limit).contains(&number).then_some(number)
    }

    /// How many descriptors this process may have: their numbers are below this limit. A descriptor
    /// is a C `int`, so there is a limit even where none is set.
    fn limit() -> usize {
        let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        usize::try_from(most.min(i32::MAX as u64)).unwrap_or(usize::MAX)
    }

    impl Inherited {
        // ANCHOR: take
        /// Takes one descriptor, according to its kind.
        fn take(
            &mut self,
            handed_on: &mut ListenFd,
            at: usize,
            origin: Origin,
        ) -> Result<(), InheritError> {
            if let Ok(Some(tcp)) = handed_on.take_tcp_listener(at) {
                if !listens(&tcp) {
                    return Err(InheritError::NotAListener(origin, DOES_NOT_LISTEN));
                }
                self.tcp.push_back((origin, tcp));
            } else if let Ok(Some(unix)) = handed_on.take_unix_listener(at) {
                if !listens(&unix) {
                    return Err(InheritError::NotAListener(origin, DOES_NOT_LISTEN));
                }
                self.unix.push_back((origin, unix));
            } else {
                let what = what_it_is(origin.number);
                return Err(InheritError::NotAListener(origin, what));
            }
            Ok(())
        }
        // ANCHOR_END: take
    }

    const DOES_NOT_LISTEN: &str =
        "a socket that is not listening (with Accept=yes a unit passes on connections)";

    /// Whether clients can connect to it: `SO_ACCEPTCONN`, `socket(7)`.
    #[cfg(not(target_vendor = "apple"))]
    fn listens(socket: &impl AsFd) -> bool {
        rustix::net::sockopt::socket_acceptconn(socket).unwrap_or(false)
    }

    /// macOS has the option only in its headers; but a socket with a peer is not listening.
    #[cfg(target_vendor = "apple")]
    fn listens(socket: &impl AsFd) -> bool {
        rustix::net::getpeername(socket).is_err()
    }

    fn what_it_is(number: usize) -> &'static str {
        use std::os::unix::fs::FileTypeExt;
        match fs::metadata(format!("/dev/fd/{number}")).map(|found| found.file_type()) {
            Err(_) => "not open",
            Ok(kind) if kind.is_file() => "a regular file",
            Ok(kind) if kind.is_dir() => "a folder",
            Ok(kind) if kind.is_fifo() => "a pipe",
            Ok(kind) if kind.is_socket() => "a socket of another kind than TCP or Unix streams",
            Ok(_) => "not a socket",
        }
    }
}
