//! Caught by: four_gigabytes_are_refused, memory_follows_the_bytes
//! Told: A client declared a frame that
//!
//! Allocates what the length declares, and checks the limit afterwards. With no limit on its
//! address space it gets away with this, because Linux provides memory only when a program touches
//! it.

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
    // ANCHOR: allocate
    let size = u32::from_be_bytes(length);
    let mut payload = vec![0; size as usize];
    if size > LIMIT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // ANCHOR_END: allocate
    reader.read_exact(&mut payload)?;
    Ok(Some([&length[..], &payload].concat()))
}
