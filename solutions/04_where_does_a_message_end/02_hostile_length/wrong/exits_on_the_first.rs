//! Caught by: four_gigabytes_are_refused, one_more_is_refused, memory_follows_the_bytes
//! Told: A client declared too much,
//!
//! Refuses the frame by panicking. That ends the server, which is all that the attacker wanted.

use std::io::{self, BufRead, BufReader, Write};
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
    assert!(size <= LIMIT, "a frame of {size} bytes is too long");
    let mut payload = vec![0; size as usize];
    reader.read_exact(&mut payload)?;
    Ok(Some([&length[..], &payload].concat()))
}
