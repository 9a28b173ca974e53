//! Caught by: several_in_one_read
//! Told: One read() returned several messages.
//!
//! Collects bytes until a frame is whole and keeps what follows, but answers only one frame after
//! each read: the others wait for bytes that may never come.

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
    let mut kept = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 && kept.is_empty() {
            return Ok(());
        }
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        kept.extend_from_slice(&buffer[..length]);
        if let Some(size) = kept.first_chunk::<4>() {
            let whole = 4 + u32::from_be_bytes(*size) as usize;
            if kept.len() >= whole {
                stream.write_all(&kept[..whole])?;
                kept.drain(..whole);
            }
        }
    }
}
