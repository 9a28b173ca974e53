//! The listening socket, and who is served.

use crate::credentials::{Credentials, peer_credentials};
use crate::socket_file::{Refusal, SocketFile};
use mio::event::Source;
use mio::net::{UnixListener, UnixStream};
use shared_server::{Peer, Transport};
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::Path;

/// Connections that the kernel completes ahead of `accept`; it takes no more than
/// `net.core.somaxconn`, see `listen(2)`.
const BACKLOG: i32 = 4096;

/// Accepts connections on a path.
#[derive(Debug)]
pub struct UnixTransport {
    // Dropped in this order: the file is looked at while the socket is still open.
    file: Option<SocketFile>,
    listener: UnixListener,
    allowed_uids: Vec<u32>,
}

impl UnixTransport {
    /// Listens on `path`, with the permissions `mode`, for the users `allowed_uids`. To be called
    /// before any thread is started, see [`SocketFile::bind`].
    ///
    /// # Errors
    ///
    /// If the path is, or may be, somebody else's.
    pub fn bind(path: &Path, mode: u32, allowed_uids: Vec<u32>) -> Result<Self, Refusal> {
        let (file, socket) = SocketFile::bind(path, mode)?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        let listener =
            UnixListener::from_std(StdUnixListener::from(std::os::fd::OwnedFd::from(socket)));
        Ok(UnixTransport {
            file: Some(file),
            listener,
            allowed_uids,
        })
    }
}

impl Transport for UnixTransport {
    type Stream = UnixStream;

    fn listener(&mut self) -> &mut dyn Source {
        &mut self.listener
    }

    fn accept(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = self.listener.accept()?;
        let Credentials { pid, uid, gid } = peer_credentials(&stream)
            .map_err(|error| io::Error::new(io::ErrorKind::ConnectionAborted, error))?;
        Ok((stream, Peer::Unix { pid, uid, gid }))
    }

    /// By the credentials of the peer alone. The superuser is no exception.
    fn admits(&self, peer: &Peer) -> bool {
        matches!(peer, Peer::Unix { uid, .. } if self.allowed_uids.contains(uid))
    }

    fn shutdown_write(stream: &UnixStream) -> io::Result<()> {
        stream.shutdown(Shutdown::Write)
    }

    /// Removes the socket file, so that the path is free for a successor, before the socket is
    /// closed.
    fn retire(&mut self) {
        self.file = None;
    }
}
