//! Caught by: prints_both_ends, a_second_run_has_another_port,
//! the_socket_knows_better_than_the_argument
//! Told: A connection has two ends,
//!
//! Prints the peer's address twice: `peer_addr` where `local_addr` was meant.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    if address.contains('/') {
        let stream = UnixStream::connect(address)?;
        let peer = stream.peer_addr()?;
        let path = peer.as_pathname().expect("the server has a path").display();
        println!("local {path}\npeer {path}");
    } else {
        // ANCHOR: ends
        let stream = TcpStream::connect(address)?;
        println!("local {}", stream.peer_addr()?);
        println!("peer {}", stream.peer_addr()?);
        // ANCHOR_END: ends
    }
    Ok(())
}
