//! Sends a line to a server that has proven its name, and prints the reply.

use std::error::Error;
use std::io::{self, Write};
use std::net::TcpStream;
use std::process::ExitCode;

use rustls::ClientConfig;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, name, authorities] = args.as_slice() else {
        panic!("usage: ex-20-01 ADDRESS NAME CA.pem");
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

/// Trusts each server that one of these authorities vouches for, and no other.
fn trust(authorities: &str) -> Result<ClientConfig, Box<dyn Error>> {
    todo!("trust the authorities in {authorities:?}")
}

/// Sends the line, once the server has proven that it is `name`, and prints what arrives until
/// the server's close_notify.
fn talk(
    stream: TcpStream,
    config: ClientConfig,
    name: &str,
    line: &str,
) -> Result<(), Box<dyn Error>> {
    let _ = (stream, config);
    todo!("send {line:?} to {name}, and print the reply")
}
