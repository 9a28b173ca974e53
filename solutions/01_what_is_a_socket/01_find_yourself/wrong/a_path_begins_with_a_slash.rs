//! Caught by: the_socket_knows_better_than_the_argument
//! Told: `./front:door` holds a `/`, so
//!
//! Takes for a path only what begins with a `/`, and `./door` for a host without a port.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    if address.starts_with('/') {
        let stream = UnixStream::connect(address)?;
        let peer = stream.peer_addr()?;
        let path = peer.as_pathname().expect("the server has a path").display();
        println!("local (unnamed)\npeer {path}");
    } else {
        let stream = TcpStream::connect(address)?;
        println!("local {}", stream.local_addr()?);
        println!("peer {}", stream.peer_addr()?);
    }
    Ok(())
}
