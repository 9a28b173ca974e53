//! Caught by: waits_without_spinning
//! Told: accept() fails immediately with EMFILE
//!
//! Retries immediately, and fails immediately, as fast as it can.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    accept_all(&listener, start)
}

fn accept_all(listener: &TcpListener, start: fn(TcpStream, SocketAddr) -> io::Result<()>) -> ! {
    // ANCHOR: loop
    loop {
        let started = listener
            .accept()
            .and_then(|(stream, peer)| start(stream, peer));
        if let Err(error) = started {
            eprintln!("accepting: {error}");
        }
    }
    // ANCHOR_END: loop
}

fn start(stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
    thread::Builder::new().spawn(move || {
        if let Err(error) = talk(&stream, peer) {
            eprintln!("a client: {error}");
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
