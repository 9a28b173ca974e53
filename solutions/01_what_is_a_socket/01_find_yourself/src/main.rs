//! Connects to an address and prints the two ends of the connection.
//!
//! `127.0.0.1:7878` is a TCP address; an argument with a `/` is the path of a Unix socket.

use std::net::TcpStream;
use std::os::unix::net::{SocketAddr, UnixStream};

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: sol-01-01 ADDRESS");
    if address.contains('/') {
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

/// The connecting end of a Unix socket has no path, unless it binds one itself.
fn name(address: &SocketAddr) -> String {
    match address.as_pathname() {
        Some(path) => path.display().to_string(),
        None => "(unnamed)".to_owned(),
    }
}
