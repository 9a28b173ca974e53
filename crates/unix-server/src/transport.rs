//! The listening socket, and who is served.

use crate::credentials::{Credentials, peer_credentials};
use crate::socket_file::{BindError, SocketFile, check_path};
use mio::event::Source;
use mio::net::{UnixListener, UnixStream};
#[cfg(any(target_os = "linux", target_os = "android"))]
use nix::sys::socket::{MsgFlags, recvmsg};
#[cfg(any(target_os = "linux", target_os = "android"))]
use shared_server::Received;
use shared_server::{Inherited, Listeners, Peer, Transport};
use std::io;
use std::net::Shutdown;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};

/// How many connections may wait to be accepted. The kernel caps this number at
/// `net.core.somaxconn`: `listen(2)`.
const BACKLOG: i32 = 4096;

/// Accepts connections on a Unix socket, and serves only certain users.
#[derive(Debug)]
pub struct UnixTransport {
    // Dropped in this order: the file is checked while the socket is still open.
    file: Option<SocketFile>,
    listeners: Listeners<UnixListener>,
    paths: Vec<PathBuf>,
    allowed_uids: Vec<u32>,
}

impl UnixTransport {
    /// Listens on `path`, and serves only the users `allowed_uids`. `mode` is the socket file's
    /// permissions. Call it before any thread is started: see [`SocketFile::bind`].
    ///
    /// # Errors
    ///
    /// [`BindError`], for example if something at the path is or may be in use.
    pub fn bind(path: &Path, mode: u32, allowed_uids: Vec<u32>) -> Result<Self, BindError> {
        let (file, socket) = SocketFile::bind(path, mode)?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        let listener =
            UnixListener::from_std(StdUnixListener::from(std::os::fd::OwnedFd::from(socket)));
        Ok(UnixTransport {
            file: Some(file),
            listeners: Listeners::new(vec![listener]),
            paths: vec![path.to_owned()],
            allowed_uids,
        })
    }

    /// Serves all Unix listeners that a supervisor passed to this process, for the users
    /// `allowed_uids`; returns `None` if there are no such listeners. Their socket files belong to
    /// the supervisor: this server does not lock them, change their modes or remove them.
    ///
    /// # Errors
    ///
    /// If a listener has no path that a client could connect to, and those of the system calls.
    pub fn inherited(
        inherited: &mut Inherited,
        allowed_uids: Vec<u32>,
    ) -> io::Result<Option<Self>> {
        let origins = inherited.unix_origins();
        let listeners = inherited.take_unix();
        if listeners.is_empty() {
            return Ok(None);
        }
        let named = origins.iter().map(ToString::to_string).zip(listeners);
        Self::on_named(named, allowed_uids).map(Some)
    }

    /// Serves listeners that were created elsewhere, and of which other processes may hold copies.
    ///
    /// # Errors
    ///
    /// Those of [`inherited`](Self::inherited).
    pub fn on(listeners: Vec<StdUnixListener>, allowed_uids: Vec<u32>) -> io::Result<Self> {
        let name = || "an inherited listener".to_owned();
        Self::on_named(
            listeners.into_iter().map(|listener| (name(), listener)),
            allowed_uids,
        )
    }

    /// Each listener comes with its name for error messages.
    fn on_named(
        named: impl Iterator<Item = (String, StdUnixListener)>,
        allowed_uids: Vec<u32>,
    ) -> io::Result<Self> {
        let (mut listeners, mut paths) = (Vec::new(), Vec::new());
        for (name, listener) in named {
            paths.push(path_of(&name, &listener)?);
            // They may be blocking or non-blocking, and `from_std` doesn't change that.
            listener.set_nonblocking(true)?;
            listeners.push(UnixListener::from_std(listener));
        }
        Ok(UnixTransport {
            file: None,
            listeners: Listeners::new(listeners),
            paths,
            allowed_uids,
        })
    }

    /// Returns the paths that it listens on: more than one only if it serves several listeners that
    /// were inherited or passed to [`on`](Self::on).
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }
}

impl Transport for UnixTransport {
    type Stream = UnixStream;

    fn listener(&mut self) -> &mut dyn Source {
        &mut self.listeners
    }

    fn accept(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = self.listeners.accept(UnixListener::accept)?;
        let Credentials { pid, uid, gid } = peer_credentials(&stream)
            .map_err(|error| io::Error::new(io::ErrorKind::ConnectionAborted, error))?;
        Ok((stream, Peer::Unix { pid, uid, gid }))
    }

    /// Admits a peer if the kernel reports it as one of the allowed users. Root is no exception.
    fn admits(&self, peer: &Peer) -> bool {
        matches!(peer, Peer::Unix { uid, .. } if self.allowed_uids.contains(uid))
    }

    // ANCHOR: receive
    /// A read ends early after bytes that were sent along with descriptors (`unix(7)`). This call
    /// has no room for descriptors, so the kernel closes them and sets `MSG_CTRUNC` (`recvmsg(2)`).
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn receive(stream: &mut UnixStream, buffer: &mut [u8]) -> io::Result<Received> {
        let mut buffer = [io::IoSliceMut::new(buffer)];
        let socket = stream.as_raw_fd();
        let message = recvmsg::<()>(socket, &mut buffer, None, MsgFlags::empty())?;
        Ok(Received {
            bytes: message.bytes,
            may_hold_more: message.flags.contains(MsgFlags::MSG_CTRUNC),
        })
    }
    // ANCHOR_END: receive

    fn shutdown_write(stream: &mut UnixStream) -> io::Result<()> {
        stream.shutdown(Shutdown::Write)
    }

    /// Removes the socket file, so that the path is free for a successor, before the socket is
    /// closed.
    fn on_drain(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), |file| file.remove())
    }
}

/// Returns the path that the listener is bound to, if it can be announced in one line. An abstract
/// name is an error: no permissions guard it, and no client here supports it.
fn path_of(name: &str, listener: &StdUnixListener) -> io::Result<PathBuf> {
    let address = listener.local_addr()?;
    let path = address.as_pathname().ok_or_else(|| {
        let told = format!(
            "{name} is a listener without a path (it has an abstract name, or none); bind it to a \
             path"
        );
        io::Error::new(io::ErrorKind::InvalidInput, told)
    })?;
    check_path(path).map_err(|refusal| {
        let told = format!("{name} is bound to {}: {refusal}", path.display());
        io::Error::new(io::ErrorKind::InvalidInput, told)
    })?;
    Ok(path.to_owned())
}
