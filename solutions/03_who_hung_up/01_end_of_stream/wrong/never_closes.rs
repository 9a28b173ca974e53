//! Caught by: leaves_when_the_client_leaves, serves_the_next_client, answers_as_in_chapter_2
//! Told: The client has left: read()
//!
//! Keeps every connection for later: the socket is never dropped, so it is never closed.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let mut visitors = Vec::new();
    for stream in listener.incoming() {
        let stream = stream?;
        serve(&stream)?;
        visitors.push(stream);
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
        if buffer[..length].eq_ignore_ascii_case(b"close") {
            return stream.write_all(b"closed");
        }
        stream.write_all(b"accepted")?;
    }
}
