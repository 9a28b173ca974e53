//! Caught by: frames_are_still_whole, half_a_frame_is_still_an_error
//! Told: A frame came, one byte
//!
//! Reads the four bytes of the length with one `read`: they always come together, don't they?

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
    let mut length = [0; 4];
    if reader.read(&mut length)? == 0 {
        return Ok(None);
    }
    let size = u32::from_be_bytes(length);
    if size > LIMIT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut payload = vec![0; size as usize];
    reader.read_exact(&mut payload)?;
    Ok(Some([&length[..], &payload].concat()))
}
