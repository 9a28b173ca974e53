//! Replies to lines of text in upper case.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: sol-04-03 ADDRESS");
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
    let mut writer = stream;
    // A newline is one byte and never part of another letter: UTF-8 can be split there undecoded.
    for line in BufReader::new(stream).split(b'\n') {
        let answer = match String::from_utf8(line?) {
            Ok(text) => text.to_uppercase() + "\n",
            Err(_) => "not text\n".to_owned(),
        };
        writer.write_all(answer.as_bytes())?;
    }
    Ok(())
}
