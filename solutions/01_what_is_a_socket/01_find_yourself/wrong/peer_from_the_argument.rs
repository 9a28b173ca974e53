//! Caught by: the_socket_knows_better_than_the_argument
//! Told: `./front:door` holds a `/`, so
//!
//! Asks the socket for its own end only: the other one was in the argument, wasn't it?

use std::net::TcpStream;
use std::os::unix::net::UnixStream;

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    if address.contains('/') {
        UnixStream::connect(&address)?;
        println!("local (unnamed)");
    } else {
        let stream = TcpStream::connect(&address)?;
        println!("local {}", stream.local_addr()?);
    }
    println!("peer {address}");
    Ok(())
}
