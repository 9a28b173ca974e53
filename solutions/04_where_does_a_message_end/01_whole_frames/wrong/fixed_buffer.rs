//! Caught by: any_split_is_the_same_message
//! Told: This message is longer than
//!
//! Reads each payload into an array of 1,024 bytes, and cuts off what does not fit.

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
    let mut length = [0; 4];
    while stream.peek(&mut length)? > 0 {
        stream.read_exact(&mut length)?;
        let size = u32::from_be_bytes(length).min(1024);
        let payload = &mut buffer[..size as usize];
        stream.read_exact(payload)?;
        stream.write_all(&[&size.to_be_bytes(), &*payload].concat())?;
    }
    Ok(())
}
