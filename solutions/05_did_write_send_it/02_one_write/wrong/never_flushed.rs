//! Caught by: the_reply_does_not_wait_for_the_end, header_and_body_travel_together,
//! a_short_write_is_no_end
//! Told: The frame arrived, but your reply
//!
//! Header and payload go into a BufWriter together, and stay there until it is full or dropped.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        // One client's error must not affect the next client.
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}

fn serve(stream: &TcpStream) -> io::Result<()> {
    // ANCHOR: writes
    let mut writer = BufWriter::new(stream);
    let mut reader = BufReader::new(stream);
    while let Some(payload) = read_frame(&mut reader)? {
        let length = u32::try_from(payload.len()).expect("its length arrived as a u32");
        writer.write_all(&length.to_be_bytes())?;
        writer.write_all(&payload)?;
        // ANCHOR_END: writes
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
