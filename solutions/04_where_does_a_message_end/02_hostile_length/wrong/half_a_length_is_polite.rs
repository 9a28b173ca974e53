//! Caught by: half_a_frame_is_still_an_error
//! Told: An end inside a message
//!
//! Takes each failure to read a length for the end between two frames, also when some of its bytes have
//! come.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

const LIMIT: u32 = 65_536;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        // One client's trouble is not the next one's.
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
    let mut length = [0; 4];
    if reader.read_exact(&mut length).is_err() {
        return Ok(None);
    }
    // Compared as what it is, a u32, and before anything is done with it.
    let size = u32::from_be_bytes(length);
    if size > LIMIT {
        let told = format!("a frame of {size} bytes is above the limit of {LIMIT}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, told));
    }
    let mut frame = length.to_vec();
    reader.take(size.into()).read_to_end(&mut frame)?;
    if frame.len() < 4 + size as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(frame))
}
