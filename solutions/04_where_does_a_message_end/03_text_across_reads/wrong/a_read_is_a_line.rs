//! Caught by: lines_not_reads, a_letter_may_arrive_in_halves, bad_text_is_told_and_survived
//! Told: You answered before the line
//!
//! Answers each read in upper case: right whenever a read is a line.

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
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let answer = match std::str::from_utf8(&buffer[..length]) {
            Ok(text) => text.to_uppercase(),
            Err(_) => "not text\n".to_owned(),
        };
        stream.write_all(answer.as_bytes())?;
    }
}
