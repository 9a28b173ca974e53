//! Prints each datagram that arrives, and answers the senders that have a name.

use std::io;
use std::os::unix::net::UnixDatagram;

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let path = args.next().expect("usage: ex-15-03 PATH LIMIT");
    let limit = args.next().and_then(|limit| limit.parse().ok());
    let limit = limit.expect("usage: ex-15-03 PATH LIMIT");
    let socket = UnixDatagram::bind(&path)?;
    println!("listening on {path}");
    serve(&socket, limit)
}

/// Receives messages for as long as the program runs; returns only with an error.
fn serve(socket: &UnixDatagram, limit: usize) -> io::Result<()> {
    todo!("receive, print and answer messages of at most {limit} bytes at {socket:?}")
}
