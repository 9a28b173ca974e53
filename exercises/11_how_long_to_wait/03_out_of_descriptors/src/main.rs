//! Greets each client by its address and replies `accepted` to each line. When the descriptors run
//! out, it waits until there are some again.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ex-11-03 ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    accept_all(&listener, start)
}

/// Accepts forever, and calls `start` to serve each client.
fn accept_all(listener: &TcpListener, start: fn(TcpStream, SocketAddr) -> io::Result<()>) -> ! {
    let first = listener
        .accept()
        .and_then(|(client, peer)| start(client, peer));
    todo!("{first:?} was the first client: accept all others, whatever errors there are")
}

fn start(stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
    thread::Builder::new().spawn(move || {
        if let Err(error) = talk(&stream, peer) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    })?;
    Ok(())
}

/// Greets the client and replies to each line.
fn talk(mut stream: &TcpStream, peer: SocketAddr) -> io::Result<()> {
    stream.write_all(format!("hello {peer}\n").as_bytes())?;
    for line in BufReader::new(stream).lines() {
        line?;
        stream.write_all(b"accepted\n")?;
    }
    Ok(())
}
