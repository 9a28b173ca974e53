//! Answers lines of text in upper case.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ex-04-03 ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        // One client's trouble is not the next one's.
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
    Ok(())
}

/// Answers each line in upper case, and one that is no UTF-8 with `not text`, until the stream ends.
///
/// # Errors
///
/// When the stream fails.
fn serve(stream: &TcpStream) -> io::Result<()> {
    todo!("read lines from {stream:?} and answer each in upper case")
}
