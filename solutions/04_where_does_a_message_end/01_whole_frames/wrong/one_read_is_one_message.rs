//! Caught by: any_split_is_the_same_message, one_and_a_half_then_the_rest,
//! ending_inside_a_frame_is_an_error
//! Told: One read() returned only part
//!
//! Reads the length with care, and then treats what one read returns as the whole payload.

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
    loop {
        let mut length = [0; 4];
        if let Err(error) = stream.read_exact(&mut length) {
            let end = error.kind() == io::ErrorKind::UnexpectedEof;
            return if end { Ok(()) } else { Err(error) };
        }
        // ANCHOR: read
        let mut payload = vec![0; u32::from_be_bytes(length) as usize];
        let got = stream.read(&mut payload)?;
        eprintln!("read {got} of {} bytes", payload.len());
        let got_length = u32::try_from(got).expect("no longer than the length said");
        stream.write_all(&got_length.to_be_bytes())?;
        stream.write_all(&payload[..got])?;
        // ANCHOR_END: read
    }
}
