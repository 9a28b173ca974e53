//! TLS, for a server on another machine: the feature `tls`.
//!
//! A connection is returned only once the server is authenticated: until then, no part of a request
//! can have been sent. Each side sends close_notify before it ends its direction of the stream; a
//! stream that ends without close_notify is an error, because it may have been truncated.
//!
//! ```no_run
//! use shared_client::Client;
//! use shared_proto::tutorial::{Request, Response};
//! use std::time::Duration;
//! use tcp_client::tls::{Credentials, PemFile, ServerName, TlsConnector};
//!
//! const TIMEOUT: Duration = Duration::from_secs(10);
//!
//! let (address, name) = ("pocket.test:7878", ServerName::try_from("pocket.test")?);
//! let connector = TlsConnector::new(&Credentials {
//!     authorities: PemFile::new("ca.pem", "--tls-ca"),
//!     own: None, // or the files with this client's certificate and its key
//! })?;
//! let socket = tcp_client::connect(address, TIMEOUT)?;
//! let stream = connector.connect(&name, socket, TIMEOUT)?;
//! let mut client = Client::new(address, stream, TIMEOUT)?;
//! let response: Response = client.call(&Request::Say("hello"))?;
//! assert_eq!(response, Response::Accepted);
//! client.finish()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::io::{self, BufRead, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rustls::client::Resumption;
use rustls::{ClientConfig, ClientConnection};
use shared_client::Stream;

pub use rustls::pki_types::ServerName;
pub use shared_tls::{PemError, PemFile};

/// The most that one read of the socket takes.
const INCOMING: usize = 32 * 1024;

/// Which servers to trust, and the certificate that identifies this client.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The file with the authorities to trust: a server's certificate must chain to one of them.
    pub authorities: PemFile,
    /// The files with this client's certificate and its private key, for a server that asks for a
    /// client certificate.
    pub own: Option<(PemFile, PemFile)>,
}

/// Turns TCP connections into TLS connections.
#[derive(Debug, Clone)]
pub struct TlsConnector(Arc<ClientConfig>);

impl TlsConnector {
    /// Reads the files that `credentials` names.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or does not contain what it should, or if the key does not belong
    /// to the certificate.
    pub fn new(credentials: &Credentials) -> Result<Self, PemError> {
        let builder = ClientConfig::builder();
        let builder = builder.with_root_certificates(credentials.authorities.authorities()?);
        let mut config = match &credentials.own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(certificate.certificates()?, key.private_key()?)
                .map_err(|error| certificate.unfit_with(key, &error))?,
        };
        // Each connection asks for the server's certificate.
        config.resumption = Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }

    /// Does the TLS handshake on a connected `socket`, within `timeout`. The server's certificate
    /// must be valid for `name`.
    ///
    /// # Errors
    ///
    /// Those of the socket; `TimedOut`; `UnexpectedEof` if the stream ends inside the handshake;
    /// `InvalidData`, with the [`rustls::Error`] inside, if the server's certificate is not
    /// accepted or the server does not speak TLS.
    pub fn connect(
        &self,
        name: &ServerName<'static>,
        socket: TcpStream,
        timeout: Duration,
    ) -> io::Result<TlsStream> {
        let started = Instant::now();
        let tls = ClientConnection::new(Arc::clone(&self.0), name.clone());
        let mut tls = tls.map_err(broken)?;
        loop {
            let left = timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            socket.set_read_timeout(Some(left))?;
            socket.set_write_timeout(Some(left))?;
            match step(&mut tls, &socket) {
                Ok(true) => return Ok(TlsStream::new(tls, socket)),
                Ok(false) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Err(ErrorKind::TimedOut.into());
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Writes what is pending, and reads once; `true` is the end of the handshake.
fn step(tls: &mut ClientConnection, mut socket: &TcpStream) -> io::Result<bool> {
    while tls.wants_write() {
        tls.write_tls(&mut socket)?;
    }
    if !tls.is_handshaking() {
        return Ok(true);
    }
    if tls.read_tls(&mut socket)? == 0 {
        let told = "the stream ended inside the handshake";
        return Err(io::Error::new(ErrorKind::UnexpectedEof, told));
    }
    if let Err(error) = tls.process_new_packets() {
        // The server is sent the reason.
        let _ = tls.write_tls(&mut socket);
        return Err(broken(error));
    }
    Ok(false)
}

fn broken(error: rustls::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

/// A TLS connection with an authenticated server. A clone is another handle to the same connection.
#[derive(Clone)]
pub struct TlsStream(Arc<Shared>);

/// One thread may read while another writes: neither holds `tls` while it waits for the socket.
/// Code that needs more than one of the locks takes them in this order.
struct Shared {
    incoming: Mutex<Incoming>,
    outgoing: Mutex<Outgoing>,
    tls: Mutex<ClientConnection>,
    socket: TcpStream,
}

/// Records that have arrived and have not been examined yet.
struct Incoming {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

/// Records to be written.
#[derive(Default)]
struct Outgoing {
    records: Vec<u8>,
    /// How many plaintext bytes of an interrupted write are in them. They count as written once the
    /// records are written; the next call passes the same bytes again.
    held: usize,
}

impl TlsStream {
    fn new(tls: ClientConnection, socket: TcpStream) -> Self {
        let incoming = Incoming {
            bytes: vec![0; INCOMING].into(),
            start: 0,
            end: 0,
        };
        Self(Arc::new(Shared {
            incoming: Mutex::new(incoming),
            outgoing: Mutex::default(),
            tls: Mutex::new(tls),
            socket,
        }))
    }

    /// The underlying socket.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        &self.0.socket
    }
}

impl Read for TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let shared = &*self.0;
        let mut incoming = lock(&shared.incoming);
        loop {
            // Bytes already decrypted are returned first: no read of the socket would report them.
            match lock(&shared.tls).reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                came => return came,
            }
            if incoming.start == incoming.end {
                let read = (&shared.socket).read(&mut incoming.bytes)?;
                if read == 0 {
                    let told = "the stream ended without close_notify";
                    return Err(io::Error::new(ErrorKind::UnexpectedEof, told));
                }
                (incoming.start, incoming.end) = (0, read);
            }
            shared.decipher(&mut incoming)?;
        }
    }
}

impl Shared {
    /// Processes some of what arrived, and sends TLS's own replies.
    fn decipher(&self, incoming: &mut Incoming) -> io::Result<()> {
        let mut tls = lock(&self.tls);
        let mut bytes = &incoming.bytes[incoming.start..incoming.end];
        incoming.start += tls.read_tls(&mut bytes)?;
        let outcome = tls.process_new_packets().map_err(broken);
        let answers = tls.wants_write();
        drop(tls);
        if answers {
            self.answer();
        }
        outcome.map(drop)
    }

    /// Writes an alert, or whatever else TLS itself has to send, unless another thread is writing:
    /// then that thread does.
    fn answer(&self) {
        if let Some(mut outgoing) = try_lock(&self.outgoing) {
            outgoing.collect(&mut lock(&self.tls));
            // If it fails, the next read or write fails.
            let _ = outgoing.flush(&self.socket);
        }
    }

    /// Sends close_notify for this side, unless it would land inside a record that is being
    /// written.
    fn sign(&self) {
        if let Some(mut outgoing) = try_lock(&self.outgoing) {
            let mut tls = lock(&self.tls);
            tls.send_close_notify();
            outgoing.collect(&mut tls);
            drop(tls);
            let _ = outgoing.flush(&self.socket);
        }
    }
}

impl Outgoing {
    fn collect(&mut self, tls: &mut ClientConnection) {
        while tls.wants_write() {
            let written = tls.write_tls(&mut self.records);
            written.expect("a Vec takes all");
        }
    }

    /// Writes everything; what an error leaves is written next time.
    fn flush(&mut self, mut socket: &TcpStream) -> io::Result<()> {
        while !self.records.is_empty() {
            match socket.write(&self.records) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => drop(self.records.drain(..written)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Write for TlsStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    /// Encrypts the bytes it accepts, and writes all of them. After a timeout the caller must pass
    /// the same bytes again: they are already encrypted, and are not encrypted a second time.
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut outgoing = lock(&self.0.outgoing);
        if outgoing.held == 0 {
            let mut tls = lock(&self.0.tls);
            outgoing.held = tls.writer().write_vectored(slices)?;
            outgoing.collect(&mut tls);
        }
        outgoing.flush(&self.0.socket)?;
        Ok(std::mem::take(&mut outgoing.held))
    }

    fn flush(&mut self) -> io::Result<()> {
        lock(&self.0.outgoing).flush(&self.0.socket)
    }
}

impl Stream for TlsStream {
    fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.0.socket.set_read_timeout(Some(timeout))
    }

    fn set_write_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.0.socket.set_write_timeout(Some(timeout))
    }

    /// Deciphers what has arrived, because the end is a record of TLS: close_notify. If the stream
    /// has ended without it, the next read reports that.
    fn has_ended(&self) -> io::Result<bool> {
        let shared = &*self.0;
        let mut incoming = lock(&shared.incoming);
        loop {
            match lock(&shared.tls).reader().fill_buf() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                came => return came.map(<[u8]>::is_empty),
            }
            if incoming.start == incoming.end {
                let Some(read) = read_at_once(&shared.socket, &mut incoming.bytes)? else {
                    return Ok(false);
                };
                (incoming.start, incoming.end) = (0, read);
            }
            shared.decipher(&mut incoming)?;
        }
    }

    fn try_clone(&self) -> io::Result<Self> {
        Ok(self.clone())
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if how != Shutdown::Read {
            self.0.sign();
        }
        self.0.socket.shutdown(how)
    }
}

/// Reads what has arrived; `None` if nothing has, or if the stream has ended.
fn read_at_once(mut socket: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    socket.set_nonblocking(true)?;
    let read = socket.read(buffer);
    socket.set_nonblocking(false)?;
    match read {
        Ok(0) => Ok(None),
        Ok(read) => Ok(Some(read)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// When the last handle is dropped, sends close_notify, but does not wait until it has been sent.
impl Drop for Shared {
    fn drop(&mut self) {
        if self.socket.set_nonblocking(true).is_ok() {
            self.sign();
        }
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsStream").field(&self.0.socket).finish()
    }
}

/// A thread that panicked while holding a lock has ended; the connection itself shows its state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
