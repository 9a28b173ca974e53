//! Echoes lines over TLS, a thread for each client.

use std::error::Error;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::ServerConfig;

/// How long accepting pauses when it fails (chapter 11).
const PAUSE: Duration = Duration::from_millis(100);

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, certificate, key, millis] = args.as_slice() else {
        panic!("usage: ex-20-02 ADDRESS CERT.pem KEY.pem MILLISECONDS");
    };
    let within = Duration::from_millis(millis.parse()?);
    let config = Arc::new(identity(certificate, key)?);
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                let (config, deadline) = (Arc::clone(&config), Instant::now() + within);
                let _ = (stream, config);
                todo!("talk to {peer}, whose handshake must be complete by {deadline:?}")
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// Who this server is: a chain of certificates, and the key of the first.
fn identity(certificate: &str, key: &str) -> Result<ServerConfig, Box<dyn Error>> {
    todo!("read {certificate} and {key}")
}
