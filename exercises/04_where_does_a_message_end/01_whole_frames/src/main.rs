//! Echoes frames: a length (four bytes, big-endian), then that many bytes of payload.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ex-04-01 ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        // One client's error must not affect the next client.
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
    Ok(())
}

/// Sends back every frame that arrives, until the stream ends.
///
/// # Errors
///
/// When the stream fails, or ends inside a frame.
fn serve(stream: &TcpStream) -> io::Result<()> {
    todo!("read a whole frame from {stream:?}, send it back, and so on")
}
