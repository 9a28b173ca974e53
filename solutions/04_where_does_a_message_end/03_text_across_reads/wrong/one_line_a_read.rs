//! Caught by: lines_not_reads, bad_text_is_told_and_survived
//! Told: One read may hold several
//!
//! Collects bytes until a line is whole, but answers only one line after each read.

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
    let mut buffer = [0; 1024];
    let mut kept = Vec::new();
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        kept.extend_from_slice(&buffer[..length]);
        if let Some(end) = kept.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = kept.drain(..=end).collect();
            let answer = match String::from_utf8(line) {
                Ok(text) => text.to_uppercase(),
                Err(_) => "not text\n".to_owned(),
            };
            stream.write_all(answer.as_bytes())?;
        }
    }
}
