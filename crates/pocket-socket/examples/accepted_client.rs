//! Sends what is typed and prints what comes back, until the server says `closed`:
//! `docs/listings/python/accepted_client.py`, call by call.
//!
//! It behaves like the original byte for byte, faults included: an empty line sends nothing, and
//! the client waits for an answer that never comes.
//!
//! Usage: `cargo run -p pocket-socket --example accepted_client [ADDRESS]`, by default
//! 127.0.0.1:8000

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;

use pocket_socket::{AF_INET, SOCK_STREAM, socket};

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8000".into());
    let address: SocketAddr = address.parse()?;

    // ANCHOR: socket
    let client = socket(AF_INET, SOCK_STREAM)?;
    // ANCHOR_END: socket
    // ANCHOR: connect
    client.connect(address)?;
    // ANCHOR_END: connect

    // ANCHOR: loop
    while let Some(message) = ask()? {
        let message = message.as_bytes();
        client.send(&message[..message.len().min(1024)])?;
        let reply = String::from_utf8(client.recv(1024)?)?;
        if reply.eq_ignore_ascii_case("closed") {
            break;
        }
        println!("Received: {reply}");
    }
    // ANCHOR_END: loop

    // ANCHOR: close
    client.close()?;
    // ANCHOR_END: close
    println!("connection closed");
    Ok(())
}

/// The next line without its end, or nothing at the end of input.
fn ask() -> io::Result<Option<String>> {
    if io::stdin().is_terminal() {
        print!("Enter message: ");
        io::stdout().flush()?;
    }
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).into()))
}
