//! Echoes frames: the header, a length of four bytes, big-endian, then the payload.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: sol-05-02 ADDRESS");
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
    let mut writer = stream;
    let mut reader = BufReader::new(stream);
    while let Some(payload) = read_frame(&mut reader)? {
        let length = u32::try_from(payload.len()).expect("its length arrived as a u32");
        // One run of bytes, one call: nothing is sent that would have to wait for its other half.
        writer.write_all(&[&length.to_be_bytes(), payload.as_slice()].concat())?;
    }
    Ok(())
}

/// The payload of the next whole frame; `None` at the end of the stream.
fn read_frame(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let size = u32::from_be_bytes(length);
    let mut payload = Vec::new();
    reader.take(size.into()).read_to_end(&mut payload)?;
    if payload.len() < size as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(payload))
}
