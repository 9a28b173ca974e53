//! Caught by: ending_inside_a_frame_is_an_error
//! Told: An end inside a message
//!
//! Takes each failure to read a length for the end between two frames, also when some of the length's
//! bytes have come.

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
    let mut length = [0; 4];
    while stream.read_exact(&mut length).is_ok() {
        let mut frame = length.to_vec();
        let size = u32::from_be_bytes(length).into();
        if stream.take(size).read_to_end(&mut frame)? as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        stream.write_all(&frame)?;
    }
    Ok(())
}
