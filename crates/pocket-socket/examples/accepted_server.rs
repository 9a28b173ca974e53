//! One client, one answer to all it says: `docs/listings/python/accepted_server.py`, call by call.
//!
//! It behaves like the original byte for byte, faults included: a client that hangs up without
//! `close` is answered forever, a client that vanishes ends the server, and after a run the port
//! stays in use for a minute. Chapters 2 and 3 are about those.
//!
//! Usage: `cargo run -p pocket-socket --example accepted_server [ADDRESS]`, by default
//! 127.0.0.1:8000

use std::error::Error;
use std::net::SocketAddr;

use pocket_socket::{AF_INET, SOCK_STREAM, socket};

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8000".into());
    let address: SocketAddr = address.parse()?;

    // ANCHOR: socket
    let server = socket(AF_INET, SOCK_STREAM)?;
    // ANCHOR_END: socket
    // ANCHOR: bind
    server.bind(address)?;
    // ANCHOR_END: bind
    // ANCHOR: listen
    server.listen(0)?;
    // ANCHOR_END: listen
    println!("listening on {}", server.getsockname()?);

    // ANCHOR: accept
    let (client, address) = server.accept()?;
    // ANCHOR_END: accept
    println!("connection from {address}");

    // ANCHOR: loop
    loop {
        let message = String::from_utf8(client.recv(1024)?)?;
        if message.eq_ignore_ascii_case("close") {
            client.send(b"closed")?;
            break;
        }
        println!("Received: {message}");
        client.send(b"accepted")?;
    }
    // ANCHOR_END: loop

    // ANCHOR: close
    client.close()?;
    server.close()?;
    // ANCHOR_END: close
    println!("connection closed");
    Ok(())
}
