//! Caught by: a_hundred_silent_visitors, a_reset_is_one_clients_problem
//! Told: A hundred visitors came and
//!
//! Keeps every socket in a list, to know who has been here: a hundred visitors, a hundred
//! descriptors.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let mut visitors = Vec::new();
    for stream in listener.incoming() {
        let stream = stream?;
        if let Err(error) = serve(&stream) {
            eprintln!("a client: {error}");
        }
        stream.shutdown(std::net::Shutdown::Both).ok();
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
