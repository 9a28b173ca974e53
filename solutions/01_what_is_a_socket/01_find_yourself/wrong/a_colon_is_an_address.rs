//! Caught by: the_socket_knows_better_than_the_argument
//! Told: `./front:door` holds a `/`, so
//!
//! Looks for the `:` before a port in the place of the `/`. A path may hold one, too.

use std::net::TcpStream;
use std::os::unix::net::{SocketAddr, UnixStream};

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    if !address.contains(':') {
        let stream = UnixStream::connect(address)?;
        println!("local {}", name(&stream.local_addr()?));
        println!("peer {}", name(&stream.peer_addr()?));
    } else {
        let stream = TcpStream::connect(address)?;
        println!("local {}", stream.local_addr()?);
        println!("peer {}", stream.peer_addr()?);
    }
    Ok(())
}

fn name(address: &SocketAddr) -> String {
    match address.as_pathname() {
        Some(path) => path.display().to_string(),
        None => "(unnamed)".to_owned(),
    }
}
