//! Caught by: four_gigabytes_are_refused
//! Told: Four bytes have told you
//!
//! Reads the length as a signed number: four gigabytes are -1, which is below every limit.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

const LIMIT: u32 = 65_536;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}

fn serve(stream: &TcpStream) -> io::Result<()> {
    let mut writer = stream;
    let mut reader = BufReader::new(stream);
    while let Some(frame) = read_frame(&mut reader)? {
        writer.write_all(&frame)?;
    }
    Ok(())
}

fn read_frame(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let size = i32::from_be_bytes(length);
    if size > LIMIT.cast_signed() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut payload = Vec::new();
    reader
        .take(u64::from(size.cast_unsigned()))
        .read_to_end(&mut payload)?;
    if payload.len() < size.cast_unsigned() as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some([&length[..], &payload].concat()))
}
