//! Caught by: ending_inside_a_frame_is_an_error
//! Told: An end inside a message
//!
//! Tells half a length and half a payload, and overlooks the end that comes between the two.

use std::io::{self, BufRead, BufReader, Read, Write};
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

fn serve(stream: &TcpStream) -> io::Result<()> {
    let mut writer = stream;
    let mut reader = BufReader::new(stream);
    while !reader.fill_buf()?.is_empty() {
        let mut length = [0; 4];
        reader.read_exact(&mut length)?;
        let mut payload = vec![0; u32::from_be_bytes(length) as usize];
        if !payload.is_empty() && reader.fill_buf()?.is_empty() {
            break;
        }
        reader.read_exact(&mut payload)?;
        writer.write_all(&[&length[..], &payload].concat())?;
    }
    Ok(())
}
