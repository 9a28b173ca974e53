//! One client's stream: records on the socket, plaintext on the engine's side.
//!
//! An idle client holds no buffer here. A worker's scratch buffers take the result of one read and
//! the records of one write; the stream itself keeps only what its socket did not accept.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::ServerConfig;
use shared_server::Received;

use crate::tls::peer::TlsPeer;
use crate::tls::records::{MOST_KEPT, Records, Stage};

/// The most that one read takes: a turn is one read's worth of work, which here means decrypting.
const MOST_READ: usize = 64 * 1024;

/// How much is encrypted in one step.
const MOST_WRITTEN: usize = 256 * 1024;

thread_local! {
    /// One worker's scratch buffers.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        incoming: vec![0; MOST_KEPT + MOST_READ],
        outgoing: Vec::new(),
    });
}

struct Scratch {
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

/// The end of the stream, after close_notify.
const END: Received = Received {
    bytes: 0,
    may_hold_more: false,
};

/// A connection with a client, and its TLS state.
pub struct TlsStream {
    socket: TcpStream,
    records: Records,
    /// Records that the socket did not accept.
    outgoing: Vec<u8>,
    /// What to send as soon as the handshake allows it: why the client is not served.
    early: Vec<u8>,
    ending: Ending,
}

/// How far this side's end of the stream has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Open,
    /// To be sent as soon as the handshake is done and `early` has been sent.
    AfterHandshake,
    /// close_notify, or an alert in its place, is in `outgoing` or has been sent.
    Signed,
    /// The FIN has been sent as well.
    Shut,
}

impl TlsStream {
    pub(super) fn new(socket: TcpStream, config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self {
            socket,
            records: Records::new(config)?,
            outgoing: Vec::new(),
            early: Vec::new(),
            ending: Ending::Open,
        })
    }

    /// The client's identity, as the handshake has shown it.
    pub(super) fn peer<A: fmt::Display>(&self, address: A) -> TlsPeer<'_, A> {
        TlsPeer::new(address, self.records.certificates())
    }

    pub(super) fn holds_output(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Reads once, and decrypts everything.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        self.flush_all()?;
        if self.ending == Ending::Shut {
            // It is lingering: what arrives is not examined.
            let bytes = self.socket.read(buffer)?;
            return Ok(Received {
                bytes,
                may_hold_more: false,
            });
        }
        if self.records.stage() == Stage::PeerClosed {
            return Ok(END);
        }
        let read = self.read_records(buffer);
        // TLS's own replies, even after a failure. If the socket does not accept them now, they are
        // held.
        match self.flush_all() {
            Err(error) if read.is_ok() && error.kind() != ErrorKind::WouldBlock => {
                return Err(error);
            }
            _ => {}
        }
        let Received {
            bytes,
            may_hold_more,
        } = read?;
        let signed = self.records.stage() == Stage::PeerClosed;
        match bytes {
            0 if signed || self.records.stage() == Stage::Silent => Ok(END),
            0 => Err(ErrorKind::Interrupted.into()),
            bytes => Ok(Received {
                bytes,
                may_hold_more: may_hold_more || signed,
            }),
        }
    }

    fn read_records(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        let received = SCRATCH.with_borrow_mut(|scratch| {
            // The output is no longer than the input, so all of it fits.
            let kept = self.records.kept().len();
            let room = MOST_READ.min(buffer.len().saturating_sub(kept));
            let incoming = &mut scratch.incoming[..kept + room];
            incoming[..kept].copy_from_slice(self.records.kept());
            let read = self.socket.read(&mut incoming[kept..])?;
            if read == 0 {
                return self.records.end_of_stream().map(|()| END);
            }
            let incoming = &mut incoming[..kept + read];
            let bytes = self.records.take(incoming, buffer, &mut self.outgoing)?;
            Ok::<_, io::Error>(Received {
                bytes,
                may_hold_more: read == room,
            })
        })?;
        if self.records.stage() == Stage::Open {
            self.say_what_waited()?;
        }
        Ok(received)
    }

    /// After the handshake: sends what could not be sent before it.
    fn say_what_waited(&mut self) -> io::Result<()> {
        if !self.early.is_empty() {
            let early = std::mem::take(&mut self.early);
            self.records.encipher(&early, &mut self.outgoing)?;
        }
        match self.ending {
            Ending::AfterHandshake => self.sign(),
            _ => Ok(()),
        }
    }

    fn sign(&mut self) -> io::Result<()> {
        self.ending = Ending::Signed;
        self.records.close_notify(&mut self.outgoing)
    }

    /// Sends close_notify, and ends the stream. If something must be sent first, this happens after
    /// the handshake.
    pub(super) fn shutdown_write(&mut self) -> io::Result<()> {
        match self.ending {
            Ending::Open if !self.early.is_empty() => {
                self.ending = Ending::AfterHandshake;
                return Ok(());
            }
            Ending::Open => self.sign()?,
            Ending::AfterHandshake => return Ok(()),
            Ending::Signed | Ending::Shut => {}
        }
        self.flush_all()
    }

    /// Writes what is held; `WouldBlock` if the socket does not accept all of it. Once close_notify
    /// has been written, shuts down writing.
    fn flush_all(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            match self.socket.write(&self.outgoing) {
                Ok(written) if written == self.outgoing.len() => self.outgoing = Vec::new(),
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => drop(self.outgoing.drain(..written)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.ending == Ending::Signed {
            self.socket.shutdown(Shutdown::Write)?;
            self.ending = Ending::Shut;
        }
        Ok(())
    }

    /// Encrypts these bytes and writes the records, and holds what the socket does not accept.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut records = SCRATCH.with_borrow_mut(|scratch| std::mem::take(&mut scratch.outgoing));
        records.clear();
        let outcome = self.records.encipher(bytes, &mut records);
        let outcome = outcome.and_then(|()| match self.socket.write(&records) {
            Err(error) if would_come_later(&error) => Ok(0),
            written => written,
        });
        if let Ok(written) = outcome {
            self.outgoing = records[written..].to_vec();
        }
        SCRATCH.with_borrow_mut(|scratch| scratch.outgoing = records);
        outcome.map(drop)
    }
}

fn would_come_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

impl Read for TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer).map(|received| received.bytes)
    }
}

impl Write for TlsStream {
    /// Counts all bytes that are encrypted as written; records that the socket does not accept are
    /// held. Like a socket, it accepts only part of the bytes when there is no room for more.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush_all()?;
        match self.records.stage() {
            Stage::Silent | Stage::Handshake => {
                self.early.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
            // The client could not read it.
            Stage::Failed => return Ok(bytes.len()),
            Stage::Open | Stage::PeerClosed => {}
        }
        let mut taken = 0;
        while taken < bytes.len() && !self.holds_output() {
            let piece = &bytes[taken..][..MOST_WRITTEN.min(bytes.len() - taken)];
            self.send(piece)?;
            taken += piece.len();
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_all()
    }
}

impl Source for TlsStream {
    fn register(&mut self, with: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.socket.register(with, token, interest)
    }

    fn reregister(&mut self, with: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.socket.reregister(with, token, interest)
    }

    fn deregister(&mut self, with: &Registry) -> io::Result<()> {
        self.socket.deregister(with)
    }
}

/// Sends close_notify however the connection ends, even if no one asked for it. The exception is a
/// connection with pending records that the socket does not accept: close_notify would land inside
/// them, and the client must see a truncation.
impl Drop for TlsStream {
    fn drop(&mut self) {
        let is_open = matches!(self.ending, Ending::Open | Ending::AfterHandshake);
        if is_open && self.outgoing.is_empty() && self.sign().is_ok() {
            let _ = self.flush_all();
        }
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("socket", &self.socket)
            .field("stage", &self.records.stage())
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}
