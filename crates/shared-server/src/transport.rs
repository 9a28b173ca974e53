//! What the server asks of a kind of socket.

use mio::event::Source;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

/// A listening socket, and what is particular to its kind. Dropping it closes the socket.
pub trait Transport: Send {
    /// An accepted connection, in non-blocking mode.
    type Stream: Source + Read + Write + Send;

    /// What to register with the poller; non-blocking.
    fn listener(&mut self) -> &mut dyn Source;

    /// Takes the next client.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nobody waits. An error that is one client's problem has the kind
    /// `ConnectionAborted`: the server goes on with the next. All others mean that accepting
    /// does not work at the moment, for lack of descriptors mostly.
    fn accept(&self) -> io::Result<(Self::Stream, Peer)>;

    /// Whether this peer may be served at all.
    fn admits(&self, peer: &Peer) -> bool;

    /// Tells the peer that nothing more will be written, as `shutdown(SHUT_WR)` does.
    ///
    /// # Errors
    ///
    /// Those of the system call: the connection is gone then.
    fn shutdown_write(stream: &Self::Stream) -> io::Result<()>;

    /// Called when draining begins, while the listening socket is still open.
    fn retire(&mut self);
}

/// Who is at the other end, as the system tells it; never by what a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// The address of a TCP peer. It says nothing about the user.
    Tcp(SocketAddr),
    /// The credentials of a Unix peer, at the time when it connected.
    Unix {
        /// The process; 0 where the system does not tell.
        pid: i32,
        /// Its effective user.
        uid: u32,
        /// Its effective group.
        gid: u32,
    },
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Tcp(address) => write!(f, "tcp {address}"),
            Peer::Unix { pid, uid, gid } => write!(f, "unix pid={pid} uid={uid} gid={gid}"),
        }
    }
}
