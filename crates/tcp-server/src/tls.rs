//! TLS, for clients on other machines: the feature `tls`.
//!
//! To the engine this is a transport like any other: it reads and writes plaintext. Below that are
//! records: `tls/records.rs` is TLS with one client without a socket, `tls/stream.rs` adds the
//! socket, and `tls/peer.rs` identifies the client.
//!
//! The handshake and the preamble share one deadline. After the handshake, each side sends
//! close_notify before it ends its direction of the stream. A stream that ends without close_notify
//! is reported, because it may have been truncated.
//!
//! Sessions are not resumed: the certificates are presented again on each connection, and nothing
//! about a client is kept after it has left.
//!
//! A server takes a [`TlsTransport`] as it takes a [`TcpTransport`]:
//!
//! ```no_run
//! use shared_server::{Limits, Server, TutorialService};
//! use tcp_server::TcpTransport;
//! use tcp_server::tls::{Credentials, PemFile, TlsTransport};
//!
//! let transport = TlsTransport::new(
//!     TcpTransport::bind("0.0.0.0:7878")?,
//!     &Credentials {
//!         certificate: PemFile::new("server.pem", "--tls-cert"),
//!         key: PemFile::new("server.key", "--tls-key"),
//!         client_authorities: None, // or the file with those that sign clients' certificates
//!     },
//! )?;
//! let server = Server::new(transport, Limits::default())?;
//! server.start(TutorialService::default)?.serve()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The client's side is `tcp_client::tls`, with the same feature.

mod peer;
mod records;
mod stream;

use std::io;
use std::sync::Arc;

use mio::event::Source;
use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use shared_server::{Peer, Received, Transport};

use crate::TcpTransport;

pub use shared_tls::{PemError, PemFile};
pub use stream::TlsStream;

/// Accepts TCP connections, and speaks TLS over them.
#[derive(Debug)]
pub struct TlsTransport {
    tcp: TcpTransport,
    config: Arc<ServerConfig>,
}

/// The server's identity, and which clients it serves.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The file with the server's certificate, followed by those of the intermediate authorities,
    /// up to an authority that clients trust.
    pub certificate: PemFile,
    /// The file with the private key of the server's certificate.
    pub key: PemFile,
    /// The file with the authorities that sign clients' certificates. If it is given, only clients
    /// with a certificate from one of them are served; otherwise every client is.
    pub client_authorities: Option<PemFile>,
}

impl TlsTransport {
    /// Creates a transport that speaks TLS with every client that `tcp` accepts.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or does not contain what it should, or if the key does not belong
    /// to the certificate.
    pub fn new(tcp: TcpTransport, credentials: &Credentials) -> Result<Self, PemError> {
        let config = Arc::new(credentials.config()?);
        Ok(Self { tcp, config })
    }
}

impl Credentials {
    pub(crate) fn config(&self) -> Result<ServerConfig, PemError> {
        let certificates = self.certificate.certificates()?;
        let key = self.key.private_key()?;
        let builder = ServerConfig::builder();
        let builder = match &self.client_authorities {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let verifier = WebPkiClientVerifier::builder(Arc::new(file.authorities()?)).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| file.unfit(&error))?)
            }
        };
        let mut config = builder
            .with_single_cert(certificates, key)
            .map_err(|error| self.certificate.unfit_with(&self.key, &error))?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

impl Transport for TlsTransport {
    type Stream = TlsStream;

    fn listener(&mut self) -> &mut dyn Source {
        self.tcp.listener()
    }

    fn accept(&self) -> io::Result<(TlsStream, Peer)> {
        let (socket, peer) = self.tcp.accept()?;
        let stream = TlsStream::new(socket, Arc::clone(&self.config));
        // One client's problem.
        let stream =
            stream.map_err(|error| io::Error::new(io::ErrorKind::ConnectionAborted, error))?;
        Ok((stream, peer))
    }

    /// The handshake decides who may be served.
    fn admits(&self, _peer: &Peer) -> bool {
        true
    }

    fn receive(stream: &mut TlsStream, buffer: &mut [u8]) -> io::Result<Received> {
        stream.receive(buffer)
    }

    fn identify(stream: &mut TlsStream, peer: &mut Peer) {
        if let Peer::Tcp(address) = *peer {
            *peer = Peer::Other(stream.peer(address).to_string().into());
        }
    }

    fn holds_output(stream: &TlsStream) -> bool {
        stream.holds_output()
    }

    fn shutdown_write(stream: &mut TlsStream) -> io::Result<()> {
        stream.shutdown_write()
    }
}
