//! Caught by: a_letter_may_arrive_in_halves, bad_text_is_told_and_survived
//! Told: A character arrived in two reads,
//!
//! Decodes what each read returned, lossily: each half of a character becomes a replacement
//! character.

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
        // ANCHOR: decode
        let length = stream.read(&mut buffer)?;
        text += &String::from_utf8_lossy(&buffer[..length]);
        // ANCHOR_END: decode
        if length == 0 {
            return Ok(());
        }
        while let Some((line, rest)) = text.split_once('\n') {
            let answer = line.to_uppercase() + "\n";
            stream.write_all(answer.as_bytes())?;
            text = rest.to_owned();
        }
    }
}
