//! Caught by: leaves_when_the_client_leaves, does_not_spin, serves_the_next_client
//! Told: The client has left: read()
//!
//! Takes a client that has been silent for a minute for one that has left.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

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
    let mut last = Instant::now();
    while last.elapsed() < Duration::from_secs(60) {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            continue;
        }
        last = Instant::now();
        if buffer[..length].eq_ignore_ascii_case(b"close") {
            return stream.write_all(b"closed");
        }
        stream.write_all(b"accepted")?;
    }
    Ok(())
}
