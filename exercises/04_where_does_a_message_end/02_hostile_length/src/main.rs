//! Echoes frames, a length (four bytes, big-endian) and that many bytes of payload, and refuses
//! a frame that is too long.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};

/// The longest payload that is accepted.
const LIMIT: u32 = 65_536;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ex-04-02 ADDRESS");
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
/// When the stream fails, ends inside a frame, or declares a payload longer than [`LIMIT`].
fn serve(stream: &TcpStream) -> io::Result<()> {
    todo!("echo the frames of {stream:?}, up to {LIMIT} bytes each, and refuse a longer one")
}
