//! Caught by: answers_as_in_chapter_2
//! Told: 1,024 bytes came, and `cLoSe`
//!
//! Compares with `close` as it stands.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        serve(&stream?)?;
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
        if &buffer[..length] == b"close" {
            return stream.write_all(b"closed");
        }
        stream.write_all(b"accepted")?;
    }
}
