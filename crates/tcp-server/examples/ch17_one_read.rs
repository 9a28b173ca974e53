//! Echoes frames, with the most common mistake of all: kept for a test to find.
//!
//! Usage: `cargo run -p tcp-server --example ch17_one_read [ADDRESS]`

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

/// The longest payload that the server accepts.
const LIMIT: usize = 65_536;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:7878"))?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    loop {
        let mut length = [0; 4];
        if let Err(error) = stream.read_exact(&mut length) {
            let is_end = error.kind() == io::ErrorKind::UnexpectedEof;
            return if is_end { Ok(()) } else { Err(error) };
        }
        let size = u32::from_be_bytes(length) as usize;
        if size > LIMIT {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // ANCHOR: read
        let mut payload = vec![0; size];
        let got = stream.read(&mut payload)?;
        let length = u32::try_from(got).expect("no longer than the limit");
        stream.write_all(&[&length.to_be_bytes(), &payload[..got]].concat())?;
        // ANCHOR_END: read
    }
}
