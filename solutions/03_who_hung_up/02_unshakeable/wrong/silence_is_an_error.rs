//! Caught by: a_hundred_silent_visitors, garbage_is_one_clients_problem
//! Told: A hundred visitors came and
//!
//! Survives what a read reports, and takes a visitor who says nothing for a reason to stop.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        match stream.and_then(|stream| serve(&stream)) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(error),
            Err(error) => eprintln!("a client: {error}"),
            Ok(()) => {}
        }
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if buffer[..length].eq_ignore_ascii_case(b"close") {
            return stream.write_all(b"closed");
        }
        stream.write_all(b"accepted")?;
    }
}
