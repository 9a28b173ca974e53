//! Caught by: several_in_one_read, one_and_a_half_then_the_rest
//! Told: One read() returned several messages.
//!
//! Starts every frame with an empty buffer: what came after the last one is gone.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

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

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    while let Some(frame) = read_frame(stream)? {
        stream.write_all(&frame)?;
    }
    Ok(())
}

fn read_frame(mut stream: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut got = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        if let Some(size) = got.first_chunk::<4>() {
            let whole = 4 + u32::from_be_bytes(*size) as usize;
            if got.len() >= whole {
                got.truncate(whole);
                return Ok(Some(got));
            }
        }
        let length = stream.read(&mut buffer)?;
        if length == 0 && got.is_empty() {
            return Ok(None);
        }
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        got.extend_from_slice(&buffer[..length]);
    }
}
