//! Writes 64 MiB at once to a peer that doesn't read, and shows what became of them.
//!
//! Usage: `cargo run -p tcp-client --example ch05_what_fits`

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut stream = TcpStream::connect(listener.local_addr()?)?;
    let (mut peer, _) = listener.accept()?;

    // ANCHOR: write
    let message = vec![b'x'; 64 << 20];
    stream.set_nonblocking(true)?;
    println!(
        "write {} bytes: {:?}",
        message.len(),
        stream.write(&message)
    );
    println!(
        "write {} bytes: {:?}",
        message.len(),
        stream.write(&message)
    );
    // ANCHOR_END: write

    drop(stream);
    let mut came = Vec::new();
    peer.read_to_end(&mut came)?;
    println!("the peer reads {} bytes, then the end", came.len());
    Ok(())
}
