//! TLS, for clients who are elsewhere: the feature `tls`.
//!
//! The engine sees a transport like any other: bytes in the clear come in and go out. Below they are
//! records: `tls/records.rs` is TLS with one client without a socket, `tls/stream.rs` adds the
//! socket, and `tls/peer.rs` says who the client is.
//!
//! The handshake has its time from the preamble's; after it every end is signed with close_notify,
//! and an end without it is told.
//!
//! Sessions are not resumed: each connection shows its certificates anew, and nothing of a
//! client is kept after it has left.

mod peer;
mod records;
mod stream;

use std::io;
use std::sync::Arc;

use mio::event::Source;
use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use shared_server::{Peer, Received, Transport};
use shared_tls::{PemError, PemFile};

use crate::TcpTransport;

pub use stream::TlsStream;

/// Accepts TCP connections, and speaks TLS on them.
#[derive(Debug)]
pub struct TlsTransport {
    tcp: TcpTransport,
    config: Arc<ServerConfig>,
}

/// Who the server is, and whose clients it serves.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The server's certificate, and behind it those of the authorities up to one that clients trust.
    pub certificate: PemFile,
    /// The key that its certificate was made with.
    pub key: PemFile,
    /// The authorities that vouch for clients. With them, a client without a certificate of theirs is
    /// not served; without them, every client is.
    pub client_authorities: Option<PemFile>,
}

impl TlsTransport {
    /// Speaks TLS with every client that `tcp` accepts.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or holds something else; if the key is another certificate's.
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

    /// Who may be served, the handshake says.
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
