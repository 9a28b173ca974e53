//! Caught by: any_split_is_the_same_message, several_in_one_read, one_and_a_half_then_the_rest,
//! ending_inside_a_frame_is_an_error, ending_between_frames_is_no_error
//! Told: A frame came, all of
//!
//! Reads the length in the processor's own byte order: 5 becomes 83,886,080, and it waits for that
//! many bytes.

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
        let size = u32::from_ne_bytes(length);
        let mut frame = length.to_vec();
        stream.take(size.into()).read_to_end(&mut frame)?;
        stream.write_all(&frame)?;
    }
    Ok(())
}
