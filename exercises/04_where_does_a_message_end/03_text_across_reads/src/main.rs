//! Replies to lines of text in upper case.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ex-04-03 ADDRESS");
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

/// Replies to each line in upper case, or `not text` if it isn't UTF-8, until the stream ends.
///
/// # Errors
///
/// When the stream fails.
fn serve(stream: &TcpStream) -> io::Result<()> {
    todo!("read lines from {stream:?} and reply to each in upper case")
}
