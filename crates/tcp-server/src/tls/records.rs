//! TLS with one client, without a socket: records go in and plaintext comes out, and the other way
//! round.
//!
//! It keeps the start of a record until the rest arrives, but it keeps no decrypted bytes: the
//! content of records is passed on completely.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, ReadTraffic, UnbufferedStatus,
    WriteTraffic,
};

/// The most that is kept of an incomplete message: a record has a little over 16 KiB, and a
/// handshake message may arrive in several records.
pub(super) const MOST_KEPT: usize = 64 * 1024;

type Traffic<'c> = WriteTraffic<'c, ServerConnectionData>;

pub(super) struct Records {
    tls: Box<UnbufferedServerConnection>,
    /// The start of a record, or of a handshake message.
    kept: Vec<u8>,
    stage: Stage,
}

/// The state of the peer's direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not a byte has arrived.
    Silent,
    Handshake,
    Open,
    /// The peer sent close_notify.
    PeerClosed,
    /// The peer violated the protocol: what it sends is no longer examined.
    Failed,
}

impl Records {
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self {
            tls: Box::new(UnbufferedServerConnection::new(config)?),
            kept: Vec::new(),
            stage: Stage::Silent,
        })
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// Bytes that must be sent before any further records.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// The valid certificates that the client has shown.
    pub(super) fn certificates(&self) -> Option<&[CertificateDer<'static>]> {
        self.tls.peer_certificates()
    }

    /// Takes the bytes that are kept and those that arrived after them, decrypts their content into
    /// `buffer`, and appends TLS's own replies to `answers`. Returns how many bytes were decrypted.
    pub(super) fn take(
        &mut self,
        mut records: &mut [u8],
        buffer: &mut [u8],
        answers: &mut Vec<u8>,
    ) -> io::Result<usize> {
        if self.stage == Stage::Silent {
            self.stage = Stage::Handshake;
        }
        let mut came = 0;
        loop {
            let UnbufferedStatus { discard, state } = self.tls.process_tls_records(records);
            let mut more = true;
            match state {
                Ok(ConnectionState::ReadTraffic(traffic)) => {
                    came += copy(traffic, &mut buffer[came..])?;
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, answers)?,
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.stage = Stage::PeerClosed,
                // More must arrive first, or there is nothing more.
                Ok(_) => more = false,
                Err(error) => return Err(self.fail(&error, records, answers)),
            }
            records = &mut records[discard..];
            if !more {
                break;
            }
        }
        if records.len() > MOST_KEPT {
            self.stage = Stage::Failed;
            let told = "TLS failed: a handshake message is too large";
            return Err(io::Error::new(ErrorKind::InvalidData, told));
        }
        self.kept = records.to_vec();
        if self.stage == Stage::Handshake && !self.tls.is_handshaking() {
            self.stage = Stage::Open;
        }
        Ok(came)
    }

    /// Handles a peer that violated the protocol: appends the alert that says so, and returns the
    /// error.
    fn fail(&mut self, error: &rustls::Error, rest: &mut [u8], answers: &mut Vec<u8>) -> io::Error {
        let what = match self.stage {
            Stage::Silent | Stage::Handshake => "the TLS handshake",
            _ => "TLS",
        };
        self.stage = Stage::Failed;
        self.kept = Vec::new();
        // The bytes that broke it must not be examined again.
        while self.tls.wants_write()
            && let UnbufferedStatus { state, .. } = self.tls.process_tls_records(rest)
            && let Ok(ConnectionState::EncodeTlsData(data)) = state
            && encode(data, answers).is_ok()
        {}
        io::Error::new(ErrorKind::InvalidData, format!("{what} failed: {error}"))
    }

    /// Handles the end of the socket's stream. It is an error if the peer did not send
    /// close_notify.
    pub(super) fn end_of_stream(&mut self) -> io::Result<()> {
        let inside = match self.stage {
            // It had sent nothing that a truncation could falsify.
            Stage::Silent => return Ok(()),
            Stage::Handshake => {
                self.stage = Stage::Failed;
                "the stream ended inside the TLS handshake"
            }
            _ => "the stream ended without close_notify: it may be truncated",
        };
        Err(io::Error::new(ErrorKind::UnexpectedEof, inside))
    }

    /// Appends records with `bytes` in them, after the handshake.
    pub(super) fn encipher(&mut self, bytes: &[u8], records: &mut Vec<u8>) -> io::Result<()> {
        let guess = bytes.len() + 64 * (bytes.len() / 16_384 + 1);
        self.append(records, guess, |traffic, room| traffic.encrypt(bytes, room))
    }

    /// Appends close_notify for this side, unless an alert has been sent, which ends the stream as
    /// well, or the handshake is not done: nothing has been sent yet that a forged end could
    /// truncate.
    pub(super) fn close_notify(&mut self, records: &mut Vec<u8>) -> io::Result<()> {
        match self.stage {
            Stage::Silent | Stage::Handshake | Stage::Failed => Ok(()),
            Stage::Open | Stage::PeerClosed => self.append(records, 64, |traffic, room| {
                traffic.queue_close_notify(room)
            }),
        }
    }

    /// Appends what `write` produces, after what TLS itself has to send first.
    fn append(
        &mut self,
        records: &mut Vec<u8>,
        guess: usize,
        mut write: impl FnMut(&mut Traffic<'_>, &mut [u8]) -> Result<usize, EncryptError>,
    ) -> io::Result<()> {
        loop {
            // The kept bytes are passed in unchanged.
            let UnbufferedStatus { state, .. } = self.tls.process_tls_records(&mut self.kept);
            let state = state.map_err(|error| io::Error::other(format!("TLS failed: {error}")))?;
            match state {
                ConnectionState::EncodeTlsData(data) => encode(data, records)?,
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::PeerClosed => self.stage = Stage::PeerClosed,
                ConnectionState::WriteTraffic(mut traffic) => {
                    return grow(records, guess, |room| match write(&mut traffic, room) {
                        Ok(written) => Ok(written),
                        Err(EncryptError::InsufficientSize(size)) => Err(Some(size.required_size)),
                        Err(EncryptError::EncryptExhausted) => Err(None),
                    });
                }
                _ => return Err(ErrorKind::NotConnected.into()),
            }
        }
    }
}

/// Copies the decrypted bytes, and returns how many there are.
fn copy(
    mut traffic: ReadTraffic<'_, '_, ServerConnectionData>,
    buffer: &mut [u8],
) -> io::Result<usize> {
    let mut came = 0;
    while let Some(record) = traffic.next_record() {
        let record = record.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        let end = came + record.payload.len();
        buffer[came..end].copy_from_slice(record.payload);
        came = end;
    }
    Ok(came)
}

fn encode(
    mut data: EncodeTlsData<'_, ServerConnectionData>,
    records: &mut Vec<u8>,
) -> io::Result<()> {
    grow(records, 0, |room| match data.encode(room) {
        Ok(written) => Ok(written),
        Err(EncodeError::InsufficientSize(size)) => Err(Some(size.required_size)),
        Err(EncodeError::AlreadyEncoded) => Err(None),
    })
}

/// Lets `write` append, with the room it needs.
fn grow(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Credentials;
    use fastrand::Rng;
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection};
    use shared_tls::PemFile;
    use std::io::{Read, Write};

    fn file(name: &str) -> PemFile {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/listings/tls");
        PemFile::new(format!("{folder}/{name}"), "--tls-cert")
    }

    fn server(client_authorities: Option<PemFile>) -> Arc<ServerConfig> {
        let credentials = Credentials {
            certificate: file("server.pem"),
            key: file("server.key"),
            client_authorities,
        };
        Arc::new(credentials.config().unwrap())
    }

    fn client() -> Arc<ClientConfig> {
        let config = ClientConfig::builder();
        let config = config.with_root_certificates(file("ca.pem").authorities().unwrap());
        let certificate = file("client.pem").certificates().unwrap();
        let key = file("client.key").private_key().unwrap();
        Arc::new(config.with_client_auth_cert(certificate, key).unwrap())
    }

    fn hello(config: &Arc<ClientConfig>) -> ClientConnection {
        let name = ServerName::try_from("pocket.test").unwrap();
        ClientConnection::new(Arc::clone(config), name).unwrap()
    }

    /// The server's side of a connection, as its stream drives it.
    struct Driven {
        records: Records,
        answers: Vec<u8>,
        came: Vec<u8>,
        scratch: Vec<u8>,
        buffer: Vec<u8>,
    }

    impl Driven {
        fn new(config: &Arc<ServerConfig>) -> Self {
            Self {
                records: Records::new(Arc::clone(config)).unwrap(),
                answers: Vec::new(),
                came: Vec::new(),
                scratch: Vec::new(),
                buffer: vec![0; 256 * 1024],
            }
        }

        fn read(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.scratch.clear();
            self.scratch.extend_from_slice(self.records.kept());
            self.scratch.extend_from_slice(bytes);
            let (scratch, buffer) = (&mut self.scratch, &mut self.buffer);
            let came = self.records.take(scratch, buffer, &mut self.answers)?;
            self.came.extend_from_slice(&buffer[..came]);
            Ok(())
        }

        /// In pieces of any size.
        fn read_in_pieces(&mut self, mut bytes: &[u8], rng: &mut Rng) -> io::Result<()> {
            while !bytes.is_empty() {
                let (piece, rest) = bytes.split_at(rng.usize(1..=bytes.len()));
                self.read(piece)?;
                // This side may end at any moment, and then reads no more.
                if rng.u8(..) == 0 {
                    return Err(ErrorKind::WriteZero.into());
                }
                bytes = rest;
            }
            Ok(())
        }
    }

    fn what_it_sends(tls: &mut ClientConnection) -> Vec<u8> {
        let mut bytes = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    #[test]
    fn in_pieces_of_any_size_all_of_it_comes_and_nothing_is_left() {
        let (config, client) = (server(Some(file("ca.pem"))), client());
        let mut rng = Rng::with_seed(7);
        for _ in 0..100 {
            let (mut driven, mut tls) = (Driven::new(&config), hello(&client));
            let said: Vec<u8> = (0..rng.usize(1..50_000)).map(|_| rng.u8(..)).collect();
            tls.writer().write_all(&said).unwrap();
            while driven.came.len() < said.len() {
                let bytes = what_it_sends(&mut tls);
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    let (piece, more) = rest.split_at(rng.usize(1..=rest.len()));
                    driven.read(piece).unwrap();
                    rest = more;
                }
                let mut answers = &std::mem::take(&mut driven.answers)[..];
                while !answers.is_empty() {
                    tls.read_tls(&mut answers).unwrap();
                    tls.process_new_packets().unwrap();
                }
            }
            assert_eq!(driven.came, said);
            assert_eq!(driven.records.kept().len(), 0);
            assert!(driven.records.certificates().is_some());
            // And in the other direction.
            let mut records = Vec::new();
            driven.records.encipher(&said, &mut records).unwrap();
            driven.records.close_notify(&mut records).unwrap();
            let (mut records, mut back) = (&records[..], Vec::new());
            while !records.is_empty() {
                tls.read_tls(&mut records).unwrap();
                tls.process_new_packets().unwrap();
                let mut some = vec![0; 20_000];
                while let Ok(bytes @ 1..) = tls.reader().read(&mut some) {
                    back.extend_from_slice(&some[..bytes]);
                }
            }
            assert_eq!(back, said);
            assert_eq!(tls.reader().read(&mut [0]).unwrap(), 0, "close_notify");
        }
    }

    /// Puts the message into records of any size, some of them empty.
    fn in_small_records(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
        let mut records = Vec::new();
        let mut rest = bytes.get(5..).unwrap_or(&[]);
        while !rest.is_empty() {
            let size = rng.usize(0..300).min(rest.len());
            let length = u16::try_from(size).unwrap().to_be_bytes();
            records.extend([bytes[0], 3, 3, length[0], length[1]]);
            records.extend(&rest[..size]);
            rest = &rest[size..];
        }
        records
    }

    fn spoiled(mut bytes: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
        match rng.u8(0..6) {
            0 => bytes = in_small_records(&bytes, rng),
            1 => bytes.truncate(rng.usize(0..=bytes.len())),
            2 => {
                let again = bytes.clone();
                bytes.extend(again);
            }
            3 => bytes.extend((0..rng.usize(1..400)).map(|_| rng.u8(..))),
            _ => {}
        }
        for _ in 0..rng.usize(0..4) {
            if !bytes.is_empty() {
                let at = rng.usize(0..bytes.len());
                bytes[at] = rng.u8(..);
            }
        }
        bytes
    }

    /// Whatever arrives, it ends in an error or waits for more; and the other direction can still
    /// end.
    fn survives(rounds: u32, seed: u64) {
        let (config, client) = (server(Some(file("ca.pem"))), client());
        let mut rng = Rng::with_seed(seed);
        for _ in 0..rounds {
            let (mut driven, mut tls) = (Driven::new(&config), hello(&client));
            tls.writer().write_all(b"PSK\x01 and some more").unwrap();
            let spoiled_from = rng.u8(0..3);
            for flight in 0..4 {
                let mut bytes = what_it_sends(&mut tls);
                if flight >= spoiled_from {
                    bytes = spoiled(bytes, &mut rng);
                }
                if driven.read_in_pieces(&bytes, &mut rng).is_err() {
                    break;
                }
                let answers = std::mem::take(&mut driven.answers);
                let mut rest = &answers[..];
                while !rest.is_empty() {
                    if !matches!(tls.read_tls(&mut rest), Ok(1..)) {
                        break;
                    }
                    let _ = tls.process_new_packets();
                }
            }
            let _ = driven.records.end_of_stream();
            let _ = driven.records.close_notify(&mut driven.answers);
            assert!(driven.records.kept().len() <= MOST_KEPT);
        }
    }

    #[test]
    fn whatever_comes_it_ends_in_an_error_or_waits_for_more() {
        survives(2_000, 3);
    }

    #[test]
    #[ignore = "minutes"]
    fn whatever_comes_for_minutes() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        survives(1_000_000, seed);
    }
}
