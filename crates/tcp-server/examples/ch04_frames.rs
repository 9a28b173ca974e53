//! Reads whole messages: each is a frame, its length in four bytes, big-endian, and then the text.
//!
//! Usage: `cargo run -p tcp-server --example ch04_frames [ADDRESS]`

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

/// The longest message that the server reads.
const LIMIT: u32 = 64 * 1024;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:7878"))?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
    Ok(())
}

// ANCHOR: serve
fn serve(stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(message) = read_frame(&mut reader)? {
        if message.eq_ignore_ascii_case(b"close") {
            return write_frame(stream, b"closed");
        }
        write_frame(stream, b"accepted")?;
    }
    Ok(())
}
// ANCHOR_END: serve

// ANCHOR: read_frame
/// Reads the next complete message; `None` if the stream ends between messages.
fn read_frame(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    // ANCHOR: limit
    let length = u32::from_be_bytes(length);
    if length > LIMIT {
        return Err(ErrorKind::InvalidData.into());
    }
    // ANCHOR_END: limit
    let mut message = Vec::new();
    reader.take(length.into()).read_to_end(&mut message)?;
    if message.len() < length as usize {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(message))
}
// ANCHOR_END: read_frame

// ANCHOR: write_frame
fn write_frame(mut stream: &TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).expect("our messages are short");
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(message)
}
// ANCHOR_END: write_frame
