//! Writes 64 MiB in one call to a peer that doesn't read, and shows what happens to them.
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
    for _ in 0..2 {
        match stream.write(&message) {
            Ok(count) => println!("write {}: took {}", mib(message.len()), mib(count)),
            Err(error) => println!("write {}: {error}", mib(message.len())),
        }
    }
    // ANCHOR_END: write

    drop(stream);
    let mut came = Vec::new();
    peer.read_to_end(&mut came)?;
    println!("the peer reads {}, then the end", mib(came.len()));
    Ok(())
}

fn mib(bytes: usize) -> String {
    format!("{:.0} MiB", bytes as f64 / 1_048_576.0)
}
