//! Caught by: bad_text_is_told_and_survived
//! Told: A line that is no
//!
//! `lines()` decodes, and its error is passed on with `?`: one bad line ends the conversation.

use std::io::{self, BufRead, BufReader, Write};
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

fn serve(stream: &TcpStream) -> io::Result<()> {
    let mut writer = stream;
    for line in BufReader::new(stream).lines() {
        let answer = line?.to_uppercase() + "\n";
        writer.write_all(answer.as_bytes())?;
    }
    Ok(())
}
