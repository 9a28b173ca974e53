//! Chapter 4's frame echo server, on its way from a TCP address to a path.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: ex-07-01 PATH");
    let listener = listen(&path)?;
    println!("listening on {path}");
    for stream in listener.incoming() {
        // One client's error must not affect the next client.
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
    Ok(())
}

/// A Unix socket that listens on `path`. The return type has to change, too; the compiler will
/// say where else.
fn listen(path: &str) -> io::Result<TcpListener> {
    todo!("listen on the path {path:?}, as a Unix socket")
}

/// Sends back every frame that arrives, until the stream ends.
fn serve(stream: &TcpStream) -> io::Result<()> {
    let mut writer = stream;
    let mut reader = BufReader::new(stream);
    while let Some(frame) = read_frame(&mut reader)? {
        writer.write_all(&frame)?;
    }
    Ok(())
}

/// The next whole frame, including its length prefix; `None` at the end of the stream.
fn read_frame(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let size = u32::from_be_bytes(length);
    let mut frame = length.to_vec();
    reader.take(size.into()).read_to_end(&mut frame)?;
    if frame.len() < 4 + size as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(frame))
}
