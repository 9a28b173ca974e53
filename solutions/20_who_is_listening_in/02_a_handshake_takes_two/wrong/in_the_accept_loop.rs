//! Caught by: a_silent_client_blocks_nobody
//! Told: A handshake has to wait for the client
//!
//! Accepts, shakes hands, and only then starts the thread. While one client is shaking hands, no
//! other is accepted.

use std::error::Error;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How long accepting pauses when it fails (chapter 11).
const PAUSE: Duration = Duration::from_millis(100);

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, certificate, key, millis] = args.as_slice() else {
        panic!("usage: sol-20-02 ADDRESS CERT.pem KEY.pem MILLISECONDS");
    };
    let within = Duration::from_millis(millis.parse()?);
    let config = Arc::new(identity(certificate, key)?);
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    // ANCHOR: loop
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                let mut connection = ServerConnection::new(Arc::clone(&config))?;
                match shake_hands(&mut connection, &stream, Instant::now() + within) {
                    Ok(()) => drop(thread::spawn(move || talk(stream, peer, connection))),
                    Err(error) => _ = writeln!(io::stderr(), "{peer}: {error}"),
                }
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
    // ANCHOR_END: loop
}

/// Who this server is: a chain of certificates, and the key of the first.
fn identity(certificate: &str, key: &str) -> Result<ServerConfig, Box<dyn Error>> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let config = ServerConfig::builder().with_no_client_auth();
    Ok(config.with_single_cert(chain, key)?)
}

fn talk(stream: TcpStream, peer: SocketAddr, connection: ServerConnection) {
    match serve(stream, connection) {
        Err(error) if error.kind() != ErrorKind::Other => println!("cut off {peer}"),
        Err(error) => _ = writeln!(io::stderr(), "{peer}: {error}"),
        Ok(()) => {}
    }
}

/// Echoes lines until the client sends close_notify, and sends its own.
fn serve(stream: TcpStream, connection: ServerConnection) -> io::Result<()> {
    let mut tls = BufReader::new(StreamOwned::new(connection, stream));
    let mut line = Vec::new();
    while tls.read_until(b'\n', &mut line)? > 0 {
        tls.get_mut().write_all(&line)?;
        tls.get_mut().flush()?;
        line.clear();
    }
    tls.get_mut().conn.send_close_notify();
    tls.get_mut().flush().map_err(io::Error::other)
}

/// Each read and each write gets what is left of the time.
fn shake_hands(
    connection: &mut ServerConnection,
    mut stream: &TcpStream,
    deadline: Instant,
) -> io::Result<()> {
    while connection.is_handshaking() || connection.wants_write() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        stream.set_write_timeout(Some(left))?;
        if connection.wants_write() {
            connection.write_tls(&mut stream)?;
        } else if connection.read_tls(&mut stream)? == 0 {
            return Err(io::Error::other("left before the end of the handshake"));
        } else if let Err(error) = connection.process_new_packets() {
            // What is wrong, as an alert: the client may not see it.
            let _ = connection.write_tls(&mut stream);
            return Err(io::Error::other(error));
        }
    }
    stream.set_read_timeout(None)?;
    stream.set_write_timeout(None)
}
