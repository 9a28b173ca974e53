//! Caught by: a_letter_may_arrive_in_halves
//! Told: The whole line came in
//!
//! Upper case by bytes: safe for any split, and blind to é.

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
    for line in BufReader::new(stream).split(b'\n') {
        let mut line = line?;
        if std::str::from_utf8(&line).is_err() {
            line = b"not text".to_vec();
        } else {
            line.make_ascii_uppercase();
        }
        line.push(b'\n');
        writer.write_all(&line)?;
    }
    Ok(())
}
