//! Caught by: memory_follows_the_bytes
//! Told: The frames are answered, and
//!
//! Moves on in one growing buffer and never forgets what it has answered.

use std::io::{self, Read, Write};
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

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut got = Vec::new();
    let mut answered = 0;
    let mut buffer = [0; 4096];
    loop {
        while let Some(length) = got[answered..].first_chunk::<4>() {
            let size = u32::from_be_bytes(*length);
            if size > LIMIT {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let end = answered + 4 + size as usize;
            if got.len() < end {
                break;
            }
            stream.write_all(&got[answered..end])?;
            answered = end;
        }
        let length = stream.read(&mut buffer)?;
        if length == 0 && answered == got.len() {
            return Ok(());
        }
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        got.extend_from_slice(&buffer[..length]);
    }
}
