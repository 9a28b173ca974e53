//! Caught by: prints_both_ends, a_second_run_has_another_port,
//! the_socket_knows_better_than_the_argument
//! Told: A connection has two ends,
//!
//! Prints the address that it was given for both ends and never asks the socket.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    if address.contains('/') {
        UnixStream::connect(&address)?;
    } else {
        TcpStream::connect(&address)?;
    }
    println!("local {address}");
    println!("peer {address}");
    Ok(())
}
