//! Caught by: lines_not_reads
//! Told: The client before left in
//!
//! One buffer serves all clients. What one of them left in it becomes the beginning of the next one's
//! first line.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let mut pending = Vec::new();
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&stream, &mut pending)) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}

fn serve(mut stream: &TcpStream, pending: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        pending.extend_from_slice(&buffer[..length]);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line = pending.drain(..=end).collect();
            let answer = match String::from_utf8(line) {
                Ok(text) => text.to_uppercase(),
                Err(_) => "not text\n".to_owned(),
            };
            stream.write_all(answer.as_bytes())?;
        }
    }
}
