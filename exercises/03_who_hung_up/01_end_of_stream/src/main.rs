//! Serves one client after another: `accepted` to each message, `closed` to `close`.

use std::io;
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ex-03-01 ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        serve(&stream?)?;
    }
    Ok(())
}

/// Replies to one client until it says `close` or leaves.
fn serve(stream: &TcpStream) -> io::Result<()> {
    todo!("read from {stream:?}, reply, and notice when the client has left")
}
