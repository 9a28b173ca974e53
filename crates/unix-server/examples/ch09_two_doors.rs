//! One server for both transports.
//!
//! Usage: `cargo run -p unix-server --example ch09_two_doors [tcp:HOST:PORT|unix:PATH]`

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

/// The longest message that the server reads.
const LIMIT: u32 = 64 * 1024;

// ANCHOR: doors
/// Listens on `tcp:HOST:PORT` or `unix:PATH`, and serves every client in the same way.
fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("unix:pocket.sock".into());
    match address.split_once(':') {
        Some(("tcp", host_and_port)) => {
            let listener = TcpListener::bind(host_and_port)?;
            println!("listening on tcp:{}", listener.local_addr()?);
            serve_all(listener.incoming());
        }
        Some(("unix", path)) => {
            let listener = UnixListener::bind(path)?;
            println!("listening on unix:{path}");
            serve_all(listener.incoming());
        }
        _ => return Err(io::Error::other("neither tcp:HOST:PORT nor unix:PATH")),
    }
    Ok(())
}

fn serve_all<S: Read + Write>(clients: impl Iterator<Item = io::Result<S>>) {
    for stream in clients {
        if let Err(error) = stream.and_then(serve) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
}
// ANCHOR_END: doors

// ANCHOR: serve
fn serve(stream: impl Read + Write) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(message) = read_frame(&mut reader)? {
        let close = message.eq_ignore_ascii_case(b"close");
        reader
            .get_mut()
            .write_all(&frame(if close { b"closed" } else { b"accepted" }))?;
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
