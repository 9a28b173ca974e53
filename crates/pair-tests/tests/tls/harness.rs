//! A server of the pair, a client of the pair, and one end of a TLS connection on the test's own side.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use assert_cmd::Command;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use rustls::{ConnectionCommon, SideData, StreamOwned};
use scripted_peer::{Program, Running, Start};

use super::wire::{ACCEPTED, PREAMBLE, say};

/// When a test gives up waiting: far longer than anything takes, also on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// When a whole test is ended that is stuck.
const TEST: Duration = Duration::from_secs(300);

/// One of the test certificates or keys.
pub fn file(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/listings/tls");
    format!("{folder}/{name}")
}

static SERVER: LazyLock<PathBuf> = LazyLock::new(|| pair_tests::program_with("tcp-server", "tls"));
static CLIENT: LazyLock<PathBuf> = LazyLock::new(|| pair_tests::program_with("tcp-client", "tls"));

/// The server's program, which is told nothing yet but where to listen.
pub fn server_program(arguments: &[&str]) -> Running {
    let program = Program::exactly(&*SERVER).patience(DEADLINE);
    scripted_peer::deadline(TEST);
    program
        .args(["--listen", "127.0.0.1:0"])
        .args(arguments)
        .start()
}

/// A server that listens, over TLS.
pub struct Server {
    pub running: Running,
    pub address: String,
}

impl Server {
    #[track_caller]
    pub fn start(arguments: &[&str]) -> Self {
        let (certificate, key) = (file("server.pem"), file("server.key"));
        let own = ["--tls-cert", &certificate, "--tls-key", &key];
        Self::listening(server_program(&[&own[..], arguments].concat()))
    }

    /// One that speaks no TLS, though it could.
    #[track_caller]
    pub fn plain() -> Self {
        Self::plain_with(&[])
    }

    #[track_caller]
    pub fn plain_with(arguments: &[&str]) -> Self {
        Self::listening(server_program(arguments))
    }

    #[track_caller]
    fn listening(mut running: Running) -> Self {
        let listens = running.listens_or_ends().now() == Start::Listens;
        assert!(listens, "it does not listen: {}", running.stderr());
        let address = running.address().to_string();
        Self { running, address }
    }

    /// A connection on which not even the handshake has begun.
    pub fn connect(&self) -> TcpStream {
        connect(&self.address)
    }

    /// A connection whose handshake is done.
    pub fn handshake(&self) -> Client {
        let mut peer = Peer(StreamOwned::new(hello(None), self.connect()));
        peer.0.conn.complete_io(&mut peer.0.sock).unwrap();
        peer
    }

    /// A connection that was served once.
    pub fn served(&self) -> Client {
        let mut peer = self.handshake();
        peer.send(&[PREAMBLE, &say("hello")].concat());
        peer.expect(ACCEPTED);
        peer
    }

    pub fn client(&self, arguments: &[&str]) -> Command {
        client(&self.address, arguments)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = self.running.stderr();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(20)..];
            eprintln!("the end of the server's log:\n{}", last.join("\n"));
        }
    }
}

/// The client's program, which trusts the test's authority.
pub fn client(address: &str, arguments: &[&str]) -> Command {
    let mut command = client_program(address);
    command.args(["--tls-ca", &file("ca.pem")]).args(arguments);
    command
}

/// The client's program, not told to speak TLS yet.
pub fn client_program(address: &str) -> Command {
    let mut command = Command::new(&*CLIENT);
    command.args(["--connect", address]).timeout(DEADLINE);
    command
}

pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn certificates(name: &str) -> Vec<CertificateDer<'static>> {
    let all = CertificateDer::pem_file_iter(file(&format!("{name}.pem"))).unwrap();
    all.map(Result::unwrap).collect()
}

fn key(name: &str) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_file(file(&format!("{name}.key"))).unwrap()
}

/// A client that has said nothing yet; with this certificate.
pub fn hello(own: Option<&str>) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca") {
        roots.add(certificate).unwrap();
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match own {
        None => config.with_no_client_auth(),
        Some(name) => config
            .with_client_auth_cert(certificates(name), key(name))
            .unwrap(),
    };
    let name = ServerName::try_from("pocket.test").unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

/// The bytes of a client's first message.
pub fn hello_bytes() -> Vec<u8> {
    let mut bytes = Vec::new();
    hello(None).write_tls(&mut bytes).unwrap();
    bytes
}

/// A server of the test's own, with this certificate, for one client.
pub fn serve<T: Send + 'static>(
    name: &str,
    serve: impl FnOnce(StreamOwned<ServerConnection, TcpStream>) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config
        .with_single_cert(certificates(name), key(name))
        .unwrap();
    let tls = ServerConnection::new(Arc::new(config)).unwrap();
    serve_raw(move |socket| serve(StreamOwned::new(tls, socket)))
}

/// A server of the test's own, for one client and without TLS.
pub fn serve_raw<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        serve(socket)
    });
    (address, thread)
}

/// One end of a TLS connection.
pub struct Peer<C, S>(pub StreamOwned<C, TcpStream>)
where
    C: std::ops::DerefMut<Target = ConnectionCommon<S>>,
    S: SideData;

pub type Client = Peer<ClientConnection, rustls::client::ClientConnectionData>;

impl Client {
    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    #[track_caller]
    pub fn expect(&mut self, bytes: &[u8]) {
        let mut came = vec![0; bytes.len()];
        self.0.read_exact(&mut came).unwrap();
        assert_eq!(came, bytes, "{came:02x?}");
    }

    /// Reads an error of this code.
    #[track_caller]
    pub fn expect_error(&mut self, code: u16) {
        let mut head = [0; 7];
        self.0.read_exact(&mut head).unwrap();
        assert_eq!((head[4], &head[5..]), (0xFF, &code.to_be_bytes()[..]));
        let length = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
        self.0.read_exact(&mut vec![0; length - 3]).unwrap();
    }

    /// Reads close_notify, with nothing before it. If the stream ends without one, rustls returns
    /// an error.
    #[track_caller]
    pub fn expect_signed_end(&mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"", "nothing before the end of the stream");
    }
}
