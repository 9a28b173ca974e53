//! The simulated socket, with as much room as the player gives it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use mio::event::Source;
use mio::{Interest, Registry, Token};

use crate::transport::{Peer, Transport};

/// A socket: the bytes that the client sent, and how much room there is for replies.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) incoming: VecDeque<u8>,
    pub(super) ended: bool,
    pub(super) room: usize,
    /// All that the server read, and wrote.
    pub(super) read: Vec<u8>,
    pub(super) written: Vec<u8>,
    /// The last write was accepted only in part.
    pub(super) short: bool,
    /// What this turn met: a write that was accepted completely, nothing to read, the end of the
    /// stream.
    pub(super) whole: bool,
    pub(super) dry: bool,
    pub(super) end: bool,
    pub(super) shut: AtomicBool,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.dry = self.incoming.is_empty() && !self.ended;
        self.end = self.incoming.is_empty() && self.ended;
        if self.dry {
            return Err(ErrorKind::WouldBlock.into());
        }
        // Otherwise a read ends where the ring buffer wraps: a short read with more bytes behind
        // it.
        self.incoming.make_contiguous();
        let bytes = self.incoming.read(buffer)?;
        self.read.extend_from_slice(&buffer[..bytes]);
        Ok(bytes)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert!(!self.shut.load(Relaxed), "a write after the end");
        let taken = bytes.len().min(self.room);
        self.short = taken < bytes.len();
        self.whole |= !self.short;
        if taken == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.room -= taken;
        self.written.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Wire {
    fn register(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct Wires;

impl Transport for Wires {
    type Stream = Wire;

    fn listener(&mut self) -> &mut dyn Source {
        unreachable!("nobody connects")
    }

    fn accept(&self) -> io::Result<(Self::Stream, Peer)> {
        Err(ErrorKind::WouldBlock.into())
    }

    fn admits(&self, _: &Peer) -> bool {
        true
    }

    fn shutdown_write(wire: &mut Wire) -> io::Result<()> {
        wire.shut.store(true, Relaxed);
        Ok(())
    }
}
