//! Caught by: half_a_frame_is_still_an_error
//! Told: Half a message is none,
//!
//! Lets the memory follow the bytes, and forgets to ask whether all of them came.

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
    let size = u32::from_be_bytes(length);
    if size > LIMIT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut payload = Vec::new();
    reader.take(size.into()).read_to_end(&mut payload)?;
    Ok(Some([&length[..], &payload].concat()))
}
