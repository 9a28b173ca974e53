//! Writes into a buffer, and checks when the bytes leave it.
//!
//! Usage: `cargo run -p tcp-client --example ch05_flush`

use std::io::{self, BufWriter, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let stream = TcpStream::connect(listener.local_addr()?)?;
    let (peer, _) = listener.accept()?;
    peer.set_nonblocking(true)?;

    // ANCHOR: flush
    let mut writer = BufWriter::new(stream);
    writer.write_all(b"hello")?;
    println!("after write_all:           {}", arrived(&peer)?);
    writer.get_mut().flush()?; // of the TcpStream
    println!("after flush of the stream: {}", arrived(&peer)?);
    writer.flush()?; // of the BufWriter
    println!("after flush of the buffer: {}", arrived(&peer)?);
    // ANCHOR_END: flush
    Ok(())
}

fn arrived(peer: &TcpStream) -> io::Result<String> {
    match peer.peek(&mut [0; 64]) {
        Ok(count) => Ok(format!("{count} bytes have arrived")),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok("nothing has arrived".to_owned()),
        Err(error) => Err(error),
    }
}
