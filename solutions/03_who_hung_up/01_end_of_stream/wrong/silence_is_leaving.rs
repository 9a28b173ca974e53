//! Caught by: leaves_when_the_client_leaves
//! Told: The client was silent for
//!
//! Waits for half a second, and takes a client that thinks for longer for one that has left.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

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
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer).unwrap_or(0);
        if length == 0 {
            return Ok(());
        }
        if buffer[..length].eq_ignore_ascii_case(b"close") {
            return stream.write_all(b"closed");
        }
        stream.write_all(b"accepted")?;
    }
}
