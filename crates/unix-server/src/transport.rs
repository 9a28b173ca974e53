//! The listening socket, and who is served.

use crate::credentials::{Credentials, peer_credentials};
use crate::socket_file::{BindError, SocketFile};
use mio::event::Source;
use mio::net::{UnixListener, UnixStream};
#[cfg(any(target_os = "linux", target_os = "android"))]
use nix::sys::socket::{MsgFlags, recvmsg};
#[cfg(any(target_os = "linux", target_os = "android"))]
use shared_server::Received;
use shared_server::{Peer, Transport};
use std::io;
use std::net::Shutdown;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::AsRawFd;
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
    pub fn bind(path: &Path, mode: u32, allowed_uids: Vec<u32>) -> Result<Self, BindError> {
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

    // ANCHOR: receive
    /// A read ends at a buffer that descriptors came with, `unix(7)`. Without room for them the
    /// system closes them and says so (MSG_CTRUNC, `recvmsg(2)`).
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

    fn shutdown_write(stream: &UnixStream) -> io::Result<()> {
        stream.shutdown(Shutdown::Write)
    }

    /// Removes the socket file, so that the path is free for a successor, before the socket is
    /// closed.
    fn on_drain(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), |file| file.remove())
    }
}
