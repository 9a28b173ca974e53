//! The tutorial's server with std's types: one client, and every read counts as a message.
//!
//! Usage: `cargo run -p tcp-server --example ch03_faithful [ADDRESS]`

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    // ANCHOR: main
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:7878"))?;
    println!("listening on {}", listener.local_addr()?);
    let (stream, _) = listener.accept()?;
    serve(&stream)
    // ANCHOR_END: main
}

// ANCHOR: serve
fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        let message = &buffer[..length];
        if message.eq_ignore_ascii_case(b"close") {
            return stream.write_all(b"closed");
        }
        stream.write_all(b"accepted")?;
    }
}
// ANCHOR_END: serve
