//! Serves one client after another, whatever the clients do.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: sol-03-02 ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        // Accepting and serving both fail when a client is gone already or resets the connection.
        // That is this client's trouble: tell, and go on.
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
    Ok(())
}

/// Replies to one client until it says `close` or leaves.
fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        if buffer[..length].eq_ignore_ascii_case(b"close") {
            return stream.write_all(b"closed");
        }
        stream.write_all(b"accepted")?;
    }
}
