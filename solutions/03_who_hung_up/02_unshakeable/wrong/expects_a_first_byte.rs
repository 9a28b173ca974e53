//! Caught by: a_hundred_silent_visitors, garbage_is_one_clients_problem
//! Told: A hundred visitors came and
//!
//! Looks at the first byte before it asks whether there is one.

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
        eprintln!("a message that begins with {}", buffer[..length][0]);
        if buffer[..length].eq_ignore_ascii_case(b"close") {
            return stream.write_all(b"closed");
        }
        stream.write_all(b"accepted")?;
    }
}
