//! One client's stream: records on the socket, bytes in the clear on the engine's side.
//!
//! Here is no buffer that is filled while a client is idle. A worker's scratch buffers take what one
//! read brings and what one write becomes; the stream keeps of its own the start of a record, until
//! the rest comes, and records that its socket did not take. Whatever a read makes readable is
//! handed on in whole: nothing lies decrypted in a place where no poller would name it.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::ServerConfig;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};
use shared_server::Received;

use crate::tls::peer::TlsPeer;

/// What a stream keeps at most of what came, until it makes a whole: a record has 16 KiB and a little, a
/// message of the handshake may come in several.
const MOST_KEPT: usize = 64 * 1024;

/// What one read takes at most: a turn is one read's worth of work, and here that is deciphering.
const MOST_READ: usize = 64 * 1024;

/// What is enciphered at once.
const MOST_WRITTEN: usize = 256 * 1024;

thread_local! {
    /// One worker's.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        incoming: vec![0; MOST_KEPT + MOST_READ],
        outgoing: Vec::new(),
    });
}

struct Scratch {
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

/// A connection with a client, and the TLS in it.
pub struct TlsStream {
    socket: TcpStream,
    tls: Box<UnbufferedServerConnection>,
    /// The start of a record, or of a message of the handshake.
    incoming: Vec<u8>,
    /// Records that the socket did not take.
    outgoing: Vec<u8>,
    /// What is to be said as soon as the handshake allows it: why the client is not served.
    early: Vec<u8>,
    stage: Stage,
    ending: Ending,
}

type Traffic<'c> = WriteTraffic<'c, ServerConnectionData>;

/// How far it is with the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not a byte has come.
    Silent,
    Handshake,
    Open,
    /// The peer signed its end.
    PeerClosed,
    /// It broke the protocol: what it sends is not looked at any more.
    Failed,
}

/// How far it is with the end of this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Open,
    /// As soon as the handshake is done and `early` is said.
    AfterHandshake,
    /// close_notify, or the alert that stands for it, is among `outgoing` or was sent.
    Signed,
    /// And so was the end of the stream.
    Shut,
}

impl TlsStream {
    pub(super) fn new(socket: TcpStream, config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self {
            socket,
            tls: Box::new(UnbufferedServerConnection::new(config)?),
            incoming: Vec::new(),
            outgoing: Vec::new(),
            early: Vec::new(),
            stage: Stage::Silent,
            ending: Ending::Open,
        })
    }

    /// Who the client is, by what the handshake has shown.
    pub(super) fn peer<A: fmt::Display>(&self, address: A) -> TlsPeer<'_, A> {
        TlsPeer::new(address, self.tls.peer_certificates())
    }

    pub(super) fn holds_output(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Reads once, and deciphers all of it.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        self.flush_all()?;
        if self.ending == Ending::Shut {
            let bytes = self.socket.read(buffer)?;
            return Ok(Received {
                bytes,
                may_hold_more: false,
            });
        }
        if self.stage == Stage::PeerClosed {
            return Ok(END);
        }
        let (bytes, may_hold_more) = SCRATCH.with_borrow_mut(|scratch| {
            // What comes out is no longer than what went in, so all of it has room.
            let kept = self.incoming.len();
            let room = MOST_READ.min(buffer.len().saturating_sub(kept));
            let incoming = &mut scratch.incoming[..kept + room];
            incoming[..kept].copy_from_slice(&self.incoming);
            let read = self.socket.read(&mut incoming[kept..])?;
            if read == 0 {
                return self.ends_unsigned();
            }
            if self.stage == Stage::Silent {
                self.stage = Stage::Handshake;
            }
            let bytes = self.take(&mut incoming[..kept + read], buffer)?;
            Ok((bytes, read == room))
        })?;
        self.handshake_done()?;
        match self.flush_all() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
        match (bytes, self.stage) {
            (0, Stage::PeerClosed) => Ok(END),
            (0, Stage::Silent) => Ok(END),
            (0, _) => Err(ErrorKind::Interrupted.into()),
            _ => Ok(Received {
                bytes,
                may_hold_more: may_hold_more || self.stage == Stage::PeerClosed,
            }),
        }
    }

    /// The socket's stream ended, and nobody signed that.
    fn ends_unsigned(&mut self) -> io::Result<(usize, bool)> {
        let inside = match self.stage {
            // It said nothing that an end could belie.
            Stage::Silent => return Ok((0, false)),
            Stage::Handshake => {
                self.stage = Stage::Failed;
                "the stream ended inside the handshake of TLS"
            }
            _ => "the stream ended without close_notify: it may have been cut on its way",
        };
        Err(io::Error::new(ErrorKind::UnexpectedEof, inside))
    }

    /// Takes all whole records, puts what is in them into `buffer`, and keeps the rest.
    fn take(&mut self, mut records: &mut [u8], buffer: &mut [u8]) -> io::Result<usize> {
        let mut came = 0;
        loop {
            let UnbufferedStatus { mut discard, state } = self.tls.process_tls_records(records);
            let mut more = true;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(broken)?;
                        discard += record.discard;
                        let end = came + record.payload.len();
                        buffer[came..end].copy_from_slice(record.payload);
                        came = end;
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.outgoing)?,
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.stage = Stage::PeerClosed,
                // More must come first, or there is nothing more.
                Ok(_) => more = false,
                Err(error) => return Err(self.fail(&error, records)),
            }
            records = &mut records[discard..];
            if !more {
                break;
            }
        }
        if records.len() > MOST_KEPT {
            self.stage = Stage::Failed;
            let told = "TLS: a message of the handshake is too large";
            return Err(io::Error::new(ErrorKind::InvalidData, told));
        }
        self.incoming = records.to_vec();
        Ok(came)
    }

    /// The peer broke the protocol: it is sent the alert that says so.
    fn fail(&mut self, error: &rustls::Error, rest: &mut [u8]) -> io::Error {
        let in_handshake = matches!(self.stage, Stage::Silent | Stage::Handshake);
        self.stage = Stage::Failed;
        // What broke it must not be looked at again.
        while self.tls.wants_write()
            && let UnbufferedStatus { state, .. } = self.tls.process_tls_records(rest)
            && let Ok(ConnectionState::EncodeTlsData(data)) = state
            && encode(data, &mut self.outgoing).is_ok()
        {}
        let what = if in_handshake {
            "the handshake of TLS"
        } else {
            "TLS"
        };
        io::Error::new(ErrorKind::InvalidData, format!("{what} failed: {error}"))
    }

    /// When the handshake is done: what waited for it.
    fn handshake_done(&mut self) -> io::Result<()> {
        if self.stage != Stage::Handshake || self.tls.is_handshaking() {
            return Ok(());
        }
        self.stage = Stage::Open;
        let early = std::mem::take(&mut self.early);
        if !early.is_empty() {
            let mut records = Vec::new();
            self.encipher(&early, &mut records)?;
            self.outgoing.append(&mut records);
        }
        if self.ending == Ending::AfterHandshake {
            self.sign()?;
        }
        Ok(())
    }

    /// Appends records with `bytes` in them.
    fn encipher(&mut self, bytes: &[u8], records: &mut Vec<u8>) -> io::Result<()> {
        let guess = bytes.len() + 64 * (bytes.len() / 16_384 + 1);
        self.append(records, guess, |traffic, room| traffic.encrypt(bytes, room))
    }

    /// Appends what `write` makes of its room, behind what TLS itself wants to say first.
    fn append(
        &mut self,
        records: &mut Vec<u8>,
        guess: usize,
        mut write: impl FnMut(&mut Traffic<'_>, &mut [u8]) -> Result<usize, EncryptError>,
    ) -> io::Result<()> {
        loop {
            // The start of a record that waits for its rest is left as it is.
            let UnbufferedStatus { state, .. } = self.tls.process_tls_records(&mut self.incoming);
            match state.map_err(broken)? {
                ConnectionState::EncodeTlsData(data) => encode(data, records)?,
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::PeerClosed => {}
                ConnectionState::WriteTraffic(mut traffic) => {
                    return append(records, guess, |room| match write(&mut traffic, room) {
                        Ok(written) => Ok(written),
                        Err(EncryptError::InsufficientSize(size)) => Err(Some(size.required_size)),
                        Err(EncryptError::EncryptExhausted) => Err(None),
                    });
                }
                _ => return Err(ErrorKind::NotConnected.into()),
            }
        }
    }

    /// Enciphers these bytes and writes the records, and holds what the socket does not take.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut records = SCRATCH.with_borrow_mut(|scratch| std::mem::take(&mut scratch.outgoing));
        records.clear();
        let outcome = self.encipher(bytes, &mut records);
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

    /// Signs the end of this side. An alert is a signature, too; and before the handshake is done there
    /// is no end that could be forged, as nothing was said yet.
    fn sign(&mut self) -> io::Result<()> {
        self.ending = Ending::Signed;
        if !matches!(self.stage, Stage::Open | Stage::PeerClosed) {
            return Ok(());
        }
        let mut records = Vec::new();
        let outcome = self.append(&mut records, 64, |traffic, room| {
            traffic.queue_close_notify(room)
        });
        self.outgoing.append(&mut records);
        outcome
    }

    /// Signs the end, and ends. Who is to be told something first waits for the handshake.
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

    /// Writes what waits; `WouldBlock` if the socket does not take all of it. What is behind a signed
    /// end is the end of the stream.
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
}

/// The end of the stream, with a signature under it.
const END: Received = Received {
    bytes: 0,
    may_hold_more: false,
};

impl Read for TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer).map(|received| received.bytes)
    }
}

impl Write for TlsStream {
    /// Enciphers the bytes and writes the records. It takes all bytes whose records are made; those
    /// that the socket does not take are held.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.stage {
            Stage::Silent | Stage::Handshake => {
                self.early.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
            // Nobody could read it.
            Stage::Failed => return Ok(bytes.len()),
            Stage::Open | Stage::PeerClosed => {}
        }
        self.flush_all()?;
        let mut taken = 0;
        // As with any socket, who takes less than all names the moment when there is room again.
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

fn would_come_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
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

/// However it ends, the end is signed: also at a deadline, and when the server is cut. Where records wait that the socket does not take, it would stand inside them.
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
            .field("stage", &self.stage)
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}

fn broken(error: rustls::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("TLS failed: {error}"))
}

fn encode(
    mut data: EncodeTlsData<'_, ServerConnectionData>,
    records: &mut Vec<u8>,
) -> io::Result<()> {
    append(records, 0, |room| match data.encode(room) {
        Ok(written) => Ok(written),
        Err(EncodeError::InsufficientSize(size)) => Err(Some(size.required_size)),
        Err(EncodeError::AlreadyEncoded) => Err(None),
    })
}

/// Lets `write` append, with the room that it wants.
fn append(
    records: &mut Vec<u8>,
    guess: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<usize>>,
) -> io::Result<()> {
    let start = records.len();
    let mut room = guess;
    loop {
        records.resize(start + room, 0);
        match write(&mut records[start..]) {
            Ok(written) => {
                records.truncate(start + written);
                return Ok(());
            }
            Err(Some(required)) if required > room => room = required,
            Err(_) => return Err(io::Error::other("TLS can send no more")),
        }
    }
}
