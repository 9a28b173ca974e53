//! Serves one client after another, whatever the clients do.

use std::io;
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ex-03-02 ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        serve(&stream?)?;
    }
    Ok(())
}

/// Replies to one client until it says `close` or leaves.
fn serve(stream: &TcpStream) -> io::Result<()> {
    todo!("serve {stream:?} as in 03-01; then look at the loop above")
}
