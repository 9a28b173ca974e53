//! Caught by: a_letter_may_arrive_in_halves, bad_text_is_told_and_survived
//! Told: A letter came in two
//!
//! Decodes what a read returned, strictly: half a letter is an error, and the client is sent away.

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
    let mut text = String::new();
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let part = std::str::from_utf8(&buffer[..length]);
        text += part.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        while let Some((line, rest)) = text.split_once('\n') {
            let answer = line.to_uppercase() + "\n";
            stream.write_all(answer.as_bytes())?;
            text = rest.to_owned();
        }
    }
}
