//! What the server asks of a kind of socket.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use mio::event::Source;

/// A listening socket, and what is specific to its kind. Dropping it closes the socket.
pub trait Transport: Send {
    /// An accepted connection, in non-blocking mode.
    type Stream: Source + Read + Write + Send;

    /// Returns the source to register with the poller; it is non-blocking.
    fn listener(&mut self) -> &mut dyn Source;

    /// Takes the next client.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when no client is waiting. An error that concerns only one client has the kind
    /// `ConnectionAborted`: the server continues with the next client. Any other error means that
    /// accepting currently fails, usually for lack of descriptors.
    fn accept(&self) -> io::Result<(Self::Stream, Peer)>;

    /// Returns whether this peer may be served at all.
    fn admits(&self, peer: &Peer) -> bool;

    /// Reads once, as `read(2)` does.
    ///
    /// A read that fills only part of the buffer tells the server that nothing more is waiting, and
    /// saves it a read that would find nothing. Override this if the system may end a read early
    /// for another reason.
    ///
    /// # Errors
    ///
    /// Those of the system call; `WouldBlock` when nothing is waiting. From a transport with a
    /// protocol of its own below: `Interrupted` when only bytes for that protocol arrived, and
    /// there may be more; `InvalidData` when the bytes broke that protocol; `UnexpectedEof` when
    /// the stream ended in the middle of it. The last two become an [`Event`](crate::Event).
    fn receive(stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<Received> {
        let bytes = stream.read(buffer)?;
        Ok(Received {
            bytes,
            may_hold_more: false,
        })
    }

    /// Updates `peer` if more is known about it than when it was accepted. Called after each read
    /// that brought bytes.
    fn identify(_stream: &mut Self::Stream, _peer: &mut Peer) {}

    /// Returns whether the stream has accepted bytes that its socket has not. These are written
    /// before anything else, and until then nothing is read.
    fn holds_output(_stream: &Self::Stream) -> bool {
        false
    }

    /// Tells the peer that nothing more will be written, as `shutdown(SHUT_WR)` does.
    ///
    /// # Errors
    ///
    /// Those of the system call, after which the connection is gone. `WouldBlock` asks the server
    /// to call again when the socket accepts more.
    fn shutdown_write(stream: &mut Self::Stream) -> io::Result<()>;

    /// Called when draining begins, while the listening socket is still open.
    ///
    /// # Errors
    ///
    /// One line that says what could not be cleaned up: it becomes an [`Event`](crate::Event).
    fn on_drain(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The result of one read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// The number of bytes; 0 at the end of the stream.
    pub bytes: usize,
    /// The system ended this read early: more may be waiting, however few bytes arrived.
    pub may_hold_more: bool,
}

/// Who is at the other end, as reported by the system, never by a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Peer {
    /// The address of a TCP peer. It says nothing about the user.
    Tcp(SocketAddr),
    /// The credentials of a Unix peer, at the time when it connected.
    Unix {
        /// The process ID; 0 where the system does not report it.
        pid: i32,
        /// The process's effective user.
        uid: u32,
        /// The process's effective group.
        gid: u32,
    },
    /// A peer of another kind of transport, as WhoAmI names it.
    Other(Arc<str>),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Tcp(address) => write!(f, "tcp {address}"),
            Peer::Unix { pid, uid, gid } => write!(f, "unix pid={pid} uid={uid} gid={gid}"),
            Peer::Other(name) => f.write_str(name),
        }
    }
}
