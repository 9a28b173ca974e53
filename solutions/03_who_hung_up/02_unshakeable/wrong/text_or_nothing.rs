//! Caught by: garbage_is_one_clients_problem
//! Told: A client sent bytes that
//!
//! A message is text, and what isn't is a bug in the client: panic.

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
        let message = std::str::from_utf8(&buffer[..length]).expect("messages are text");
        if message.eq_ignore_ascii_case("close") {
            return stream.write_all(b"closed");
        }
        stream.write_all(b"accepted")?;
    }
}
