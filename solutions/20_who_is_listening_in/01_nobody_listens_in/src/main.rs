//! Sends a line to a server that has proven its name, and prints the reply.

use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, name, authorities] = args.as_slice() else {
        panic!("usage: sol-20-01 ADDRESS NAME CA.pem");
    };
    match ask(address, name, authorities) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{address}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Sends the line of standard input to the server, and prints its reply.
fn ask(address: &str, name: &str, authorities: &str) -> Result<(), Box<dyn Error>> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let config = trust(authorities)?;
    let stream = TcpStream::connect(address)?;
    // The end of the handshake and the line are two writes (chapter 5).
    stream.set_nodelay(true)?;
    talk(stream, config, name, &line)
}

// ANCHOR: trust
/// Trusts each server that one of these authorities vouches for, and no other.
fn trust(authorities: &str) -> Result<ClientConfig, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authorities)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    Ok(config.with_no_client_auth())
}
// ANCHOR_END: trust

// ANCHOR: talk
/// Sends the line, once the server has proven that it is `name`, and prints what arrives until
/// the server's close_notify.
fn talk(
    stream: TcpStream,
    config: ClientConfig,
    name: &str,
    line: &str,
) -> Result<(), Box<dyn Error>> {
    let name = ServerName::try_from(name.to_owned())?;
    let connection = ClientConnection::new(Arc::new(config), name)?;
    let mut tls = StreamOwned::new(connection, stream);
    // The first write shakes hands, and fails where the server is somebody else.
    tls.write_all(line.as_bytes())?;
    tls.flush()?;
    let copied = io::copy(&mut tls, &mut io::stdout());
    copied.map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => "cut off".into(),
        _ => Box::<dyn Error>::from(error),
    })?;
    // We send close_notify, too; a server that has gone already misses nothing.
    tls.conn.send_close_notify();
    let _ = tls.flush();
    Ok(())
}
// ANCHOR_END: talk
