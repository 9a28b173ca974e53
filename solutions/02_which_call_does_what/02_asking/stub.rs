//! The tutorial's client: sends each line of standard input, and prints each answer.

use std::io;

use pocket_socket::{AF_INET, SOCK_STREAM, Socket, socket};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ex-02-02 ADDRESS");
    let address: std::net::SocketAddr = address.parse().map_err(io::Error::other)?;
    let server = socket(AF_INET, SOCK_STREAM)?;
    server.connect(address)?;
    ask(&server)?;
    server.close()
}

/// Sends each line of standard input and prints the answer to it, until one is `closed`.
fn ask(server: &Socket) -> io::Result<()> {
    todo!("read a line, send it to {server:?}, receive, print, and so on")
}
