//! Caught by: one_thread
//! Told: Fifty clients are served, but
//!
//! Chapter 10's server: it serves all clients, with a thread for each.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => drop(thread::spawn(move || serve(&stream))),
            Err(error) => eprintln!("a client was lost: {error}"),
        }
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while !reader.fill_buf()?.is_empty() {
        let mut length = [0; 4];
        reader.read_exact(&mut length)?;
        let size = u32::from_be_bytes(length) as usize;
        if size > 65_536 {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut frame = [length.to_vec(), vec![0; size]].concat();
        reader.read_exact(&mut frame[4..])?;
        stream.write_all(&frame)?;
    }
    Ok(())
}
