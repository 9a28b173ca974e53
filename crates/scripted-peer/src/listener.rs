//! The opposite direction: a listener of the check, to which the learner's client connects.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::address::Address;
use crate::context;
use crate::failure::{Failure, NEVER_CONNECTED};
use crate::folder::{Folder, folder};
use crate::machine;
use crate::patience::{PATIENCE, Patience};
use crate::peer::Peer;
use crate::timeline::Timeline;
use crate::verdict::Verdict;
use crate::wait;

/// A listening socket of the check. [`tcp`](Self::tcp) and [`on_path`](Self::on_path) create one.
pub struct Listener {
    socket: Socket,
    address: Address,
    timeline: Arc<Timeline>,
    patience: Duration,
    /// Keeps the folder of a fresh path from being removed.
    _folder: Option<Folder>,
}

impl Listener {
    /// Listens on a free port of 127.0.0.1.
    #[must_use]
    pub fn tcp() -> Self {
        let local: std::net::SocketAddr = ([127, 0, 0, 1], 0).into();
        Self::new(&Address::Tcp(local), Some(128), None)
    }

    /// Listens on a free port of `::1`. Guard the check with [`needs::ipv6`](crate::needs::ipv6).
    #[must_use]
    pub fn tcp_v6() -> Self {
        let local = std::net::SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 0));
        Self::new(&Address::Tcp(local), Some(128), None)
    }

    /// Listens on a fresh path.
    #[must_use]
    pub fn on_path() -> Self {
        Self::on_path_with_backlog(128)
    }

    /// Listens on a fresh path with a short backlog. On Linux, `backlog` + 1 connections can wait
    /// in the queue, and the next `connect` blocks until [`accept`](Self::accept) makes room.
    #[must_use]
    pub fn on_path_with_backlog(backlog: i32) -> Self {
        let folder = folder();
        let path = folder.join("socket");
        Self::new(&Address::Unix(path), Some(backlog), Some(folder))
    }

    /// Listens on this path.
    #[must_use]
    pub fn at(path: impl AsRef<Path>) -> Self {
        Self::new(&Address::Unix(path.as_ref().to_owned()), Some(128), None)
    }

    /// Listens on this address, in the network that the current thread is in.
    pub(crate) fn on_address(address: &Address) -> Self {
        Self::new(address, Some(128), None)
    }

    /// Creates a TCP address that refuses every connection as long as this value lives. The socket
    /// is bound, so that no one else can use the port, but not listening.
    #[must_use]
    pub fn refusing() -> Self {
        Self::new(&Address::Tcp(([127, 0, 0, 1], 0).into()), None, None)
    }

    /// Creates a fresh path that refuses every connection: a socket file whose server is gone.
    #[must_use]
    pub fn refusing_on_path() -> Self {
        let folder = folder();
        let path = folder.join("socket");
        Self::new(&Address::Unix(path), None, Some(folder))
    }

    fn new(address: &Address, backlog: Option<i32>, folder: Option<Folder>) -> Self {
        let timeline = context::current();
        if let Address::Tcp(_) = address {
            machine::can_listen_at(&address.to_string());
        }
        let open = || -> std::io::Result<Socket> {
            let socket = Socket::new(address.domain(), Type::STREAM, None)?;
            // A server that is restarted finds its port free, although old connections linger
            // (tcp(7)).
            if backlog.is_some() && matches!(address, Address::Tcp(_)) {
                socket.set_reuse_address(true)?;
            }
            socket.bind(&address.sockaddr()?)?;
            backlog.map_or(Ok(()), |backlog| socket.listen(backlog))?;
            Ok(socket)
        };
        let socket = open().unwrap_or_else(|error| {
            machine::no_verdict(
                &format!("the check to listen on {address}"),
                &error.to_string(),
                "The check could not create its own listening socket. The line above says what the \
                 system lacks, unless the check itself is wrong.",
            )
        });
        let local = socket.local_addr().expect("a bound socket has an address");
        Self {
            socket,
            address: Address::of(&local),
            timeline,
            patience: PATIENCE,
            _folder: folder,
        }
    }

    /// Returns the address that this listens on, in the form that a program accepts.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Sets how long [`accept`](Self::accept) waits; the default is 4 seconds.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Stops listening, so that connections are refused from now on. Dropping the listener isn't
    /// enough for that: a child process that another test is just starting has a copy of every
    /// descriptor until it calls `exec`.
    pub(crate) fn close(self) {
        // macOS calls it an error (ENOTCONN).
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }

    pub(crate) fn descriptor(&self) -> OwnedFd {
        self.socket
            .try_clone()
            .expect("a descriptor can be duplicated")
            .into()
    }

    /// Waits for the next connection, and accepts it. If there is none in time, the test ends.
    #[must_use]
    pub fn accept(&self) -> Peer {
        self.try_accept().now()
    }

    /// Waits for the next connection, and accepts it.
    pub fn try_accept(&self) -> Verdict<Peer> {
        let found = if self.is_called_upon() {
            // Blocking: a program may inherit this socket, and would inherit non-blocking mode with
            // it.
            match self.socket.accept() {
                Ok((socket, _)) => Ok(Peer::accepted(socket)),
                Err(error) if machine::is_to_blame(&error) => machine::no_verdict(
                    "the check to accept a connection",
                    &error.to_string(),
                    machine::RESOURCES,
                ),
                Err(error) => Err(error.to_string()),
            }
        } else if self.timeline.all_exited() {
            Err("it ended without connecting".to_owned())
        } else {
            Err(format!("nothing connected within {:?}", self.patience))
        };
        let expected = format!("the program to connect to {}", self.address);
        Verdict::new(
            &self.timeline,
            found.map_err(|got| {
                Failure::new(expected, got)
                    .or_else(NEVER_CONNECTED)
                    .ended(self.timeline.all_exited())
            }),
        )
    }

    /// Returns whether a connection is waiting to be accepted. This does not wait.
    #[must_use]
    pub fn visited(&self) -> bool {
        wait::readable(&self.socket, Instant::now())
    }

    /// Waits for a connection, and returns whether there is one. Gives up when the time is up or
    /// all programs have ended.
    fn is_called_upon(&self) -> bool {
        let mut patience = Patience::new(&self.timeline, self.patience);
        loop {
            let all_exited = self.timeline.all_exited();
            let soon = self.timeline.until(Duration::from_millis(20));
            // A program that has just ended may have connected first: check once more.
            if wait::readable(&self.socket, soon) {
                return true;
            }
            self.timeline.woke_late(soon);
            if all_exited || patience.is_out() {
                return wait::readable(&self.socket, Instant::now());
            }
        }
    }

    /// Fills the queue with `count` connections of the check that stay silent. The next client to
    /// connect waits behind them. To get rid of them, accept them or drop the listener.
    #[must_use]
    pub fn crowd(&self, count: usize) -> Vec<Peer> {
        (0..count).map(|_| Peer::connect(&self.address)).collect()
    }

    /// Accepts the next connection, if one arrives within `time`.
    pub(crate) fn accept_within(&self, time: Duration) -> Option<Peer> {
        wait::readable(&self.socket, self.timeline.until(time))
            .then(|| self.socket.accept().ok())?
            .map(|(socket, _)| Peer::accepted(socket))
    }

    pub(crate) fn timeline(&self) -> &Arc<Timeline> {
        &self.timeline
    }
}

/// Creates a socket file whose server is gone, as a crash leaves it.
///
/// # Panics
///
/// Panics if no socket can be bound to the path.
pub fn stale_socket(path: impl AsRef<Path>) {
    let address = Address::Unix(path.as_ref().to_owned());
    let bind = || Socket::new(Domain::UNIX, Type::STREAM, None)?.bind(&address.sockaddr()?);
    bind().unwrap_or_else(|error| panic!("cannot bind {address}: {error}"));
    assert!(fs::symlink_metadata(path).is_ok(), "binding makes the file");
}

/// For waiting on this descriptor together with others.
impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
