//! What the server needs from a kind of socket.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use mio::event::Source;

/// A listening socket, and what is specific to its kind. Dropping it closes the socket.
pub trait Transport: Send {
    /// An accepted connection, in non-blocking mode.
    type Stream: Source + Read + Write + Send;

    /// Returns the listening socket, which is non-blocking, to be registered with the poller.
    fn listener(&mut self) -> &mut dyn Source;

    /// Accepts the next client (`accept(2)`).
    ///
    /// # Errors
    ///
    /// `WouldBlock` when no client is waiting. An error that affects only one client has the kind
    /// `ConnectionAborted`: the server continues with the next client. Any other error means that
    /// accepting currently fails, usually for lack of descriptors.
    fn accept(&self) -> io::Result<(Self::Stream, Peer)>;

    /// Returns whether this peer may be served at all.
    fn admits(&self, peer: &Peer) -> bool;

    /// Reads once, as `read(2)` does.
    ///
    /// A read that fills only part of the buffer tells the server that nothing more is waiting, and
    /// saves it a read that would find nothing. Override this method if the system may end a read
    /// early for another reason, and report that in [`Received::may_hold_more`].
    ///
    /// # Errors
    ///
    /// Those of the system call; `WouldBlock` when nothing is waiting. A transport with its own
    /// protocol below the messages, such as TLS, also returns `Interrupted` when only bytes of that
    /// protocol arrived, and more may be waiting; `InvalidData` when the peer violated that
    /// protocol; and `UnexpectedEof` when the stream ended without properly ending that protocol.
    /// The last two become an [`Event::Broken`](crate::Event::Broken).
    fn receive(stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<Received> {
        let bytes = stream.read(buffer)?;
        Ok(Received {
            bytes,
            may_hold_more: false,
        })
    }

    /// Updates `peer` if more is known about it than when it was accepted. Called after each read
    /// that returned bytes.
    fn identify(_stream: &mut Self::Stream, _peer: &mut Peer) {}

    /// Returns whether the stream still holds bytes that it accepted from the server, but could not
    /// write to its socket. Until they are written, the server writes nothing else, and reads
    /// nothing.
    fn holds_output(_stream: &Self::Stream) -> bool {
        false
    }

    /// Tells the peer that nothing more will be written, as `shutdown(2)` does with `SHUT_WR`.
    ///
    /// # Errors
    ///
    /// Those of the system call; the server then closes the connection. The exception is
    /// `WouldBlock`, after which the server calls again when the socket accepts more.
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
    /// The number of bytes that were read; 0 at the end of the stream.
    pub bytes: usize,
    /// Whether more bytes may be waiting although the read did not fill the buffer, because the
    /// system ended it early.
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
    /// A peer of another kind of transport: the text that WhoAmI is answered with.
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
