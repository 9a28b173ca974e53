//! The listening socket, and who is served.

use crate::credentials::{Credentials, peer_credentials};
use crate::socket_file::{BindError, SocketFile, check_path};
use mio::event::Source;
use mio::net::{UnixListener, UnixStream};
#[cfg(any(target_os = "linux", target_os = "android"))]
use nix::sys::socket::{MsgFlags, recvmsg};
use shared_proto::is_nobody;
#[cfg(any(target_os = "linux", target_os = "android"))]
use shared_server::Received;
use shared_server::{Inherited, Listeners, Peer, Transport};
use std::fs;
use std::io;
use std::net::Shutdown;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};

/// How many connections may wait to be accepted. The kernel caps this number at
/// `net.core.somaxconn`: `listen(2)`.
const BACKLOG: i32 = 4096;

/// Accepts connections on a Unix socket, and serves only certain users.
///
/// To decide in another way than by a list of users, [admit everyone](Self::admit_everyone) and let
/// your service decide about each request. Or decide about each connection: write a [`Transport`] of
/// your own that passes every method on to this one, except [`admits`](Transport::admits).
#[derive(Debug)]
pub struct UnixTransport {
    // Dropped in this order: the file is checked while the socket is still open.
    file: Option<SocketFile>,
    listeners: Listeners<UnixListener>,
    paths: Vec<PathBuf>,
    /// `None` means everyone.
    allowed_uids: Option<Vec<u32>>,
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
            allowed_uids: Some(allowed_uids),
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
            allowed_uids: Some(allowed_uids),
        })
    }

    /// Serves every user who can connect, instead of certain ones. The mode of the socket file, and
    /// of its folder, says who can. Your service learns from
    /// [`Context::peer`](shared_server::Context::peer) who has sent a request.
    #[must_use]
    pub fn admit_everyone(mut self) -> Self {
        self.allowed_uids = None;
        self
    }

    /// Returns one line for each allowed user who cannot connect because of a socket file's mode,
    /// and for each allowed uid that identifies no particular user ([`is_nobody`]). A program should
    /// write these lines to its log when it starts. It is not looked up whether a user is in the
    /// file's group, nor what the modes of the folders allow.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let allowed = self.allowed_uids.as_deref().unwrap_or_default();
        let (nobody, users): (Vec<u32>, Vec<u32>) =
            allowed.iter().partition(|uid| is_nobody(**uid));
        let mut warnings = Vec::new();
        for uid in nobody {
            warnings.push(format!(
                "uid {uid} is allowed, which here stands for every user that is not mapped in this \
                 user namespace"
            ));
        }
        for path in &self.paths {
            let Ok(file) = fs::metadata(path) else {
                continue; // of an inherited listener, and gone
            };
            let (owner, mode) = (file.uid(), file.mode() & 0o777);
            // An inherited listener's mode is not this server's to choose.
            let advice = self.file.as_ref().map_or("", |_| "; see --mode");
            for uid in users.iter().filter(|uid| is_shut_out(**uid, owner, mode)) {
                let path = path.display();
                warnings.push(format!(
                    "user {uid} is allowed, but the mode {mode:04o} of {path} shuts them out{advice}"
                ));
            }
        }
        warnings
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
        let allowed = |uid| {
            self.allowed_uids
                .as_ref()
                .is_none_or(|uids| uids.contains(uid))
        };
        matches!(peer, Peer::Unix { uid, .. } if allowed(uid))
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

/// Whether the user `uid` lacks the permission to write to the socket file, without which it cannot
/// connect (`unix(7)`). Whether the user is in the file's group is not looked up.
fn is_shut_out(uid: u32, owner: u32, mode: u32) -> bool {
    match uid {
        0 => false,
        uid if uid == owner => mode & 0o200 == 0,
        _ => mode & 0o022 == 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_mode_shuts_out_whom_it_does_not_let_write() {
        assert!(is_shut_out(8, 7, 0o600));
        assert!(!is_shut_out(7, 7, 0o600));
        assert!(is_shut_out(7, 7, 0o066));
        assert!(!is_shut_out(8, 7, 0o660), "may be in the group");
        assert!(!is_shut_out(8, 7, 0o602));
        assert!(!is_shut_out(0, 7, 0o600), "the superuser passes every mode");
    }

    #[test]
    fn everyone_is_admitted_where_the_service_decides_and_nobody_is_warned_of() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("server.sock");
        let listener = StdUnixListener::bind(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let (pid, gid) = (1, 54321);
        let stranger = Peer::Unix {
            pid,
            uid: 54321,
            gid,
        };
        let transport = UnixTransport::on(vec![listener], vec![54322]).unwrap();
        assert!(!transport.admits(&stranger));
        let warned = transport.warnings();
        assert!(
            matches!(&warned[..], [line] if line.contains("54322") && line.contains("0600")),
            "{warned:?}"
        );
        let transport = transport.admit_everyone();
        assert!(transport.admits(&stranger));
        assert_eq!(transport.warnings(), [""; 0]);
    }
}
