//! The server of chapter 6 on a path. (On a Unix socket, closing loses no reply, so it need not
//! linger. A client that has sent more sees a reset after the reply.)
//!
//! Usage: `cargo run -p unix-server --example ch07_path [PATH]`

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

/// The longest message that the server reads.
const LIMIT: u32 = 64 * 1024;

// ANCHOR: main
fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or("pocket.sock".into());
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
    Ok(())
}
// ANCHOR_END: main

// ANCHOR: serve
fn serve(mut stream: &UnixStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(message) = read_frame(&mut reader)? {
        let close = message.eq_ignore_ascii_case(b"close");
        stream.write_all(&frame(if close { b"closed" } else { b"accepted" }))?;
        if close {
            break;
        }
    }
    Ok(())
}
// ANCHOR_END: serve

/// Reads the next complete message; `None` if the stream ends between messages.
fn read_frame(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > LIMIT {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut message = Vec::new();
    reader.take(length.into()).read_to_end(&mut message)?;
    if message.len() < length as usize {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(message))
}

fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("our messages are short");
    [&length.to_be_bytes(), message].concat()
}
