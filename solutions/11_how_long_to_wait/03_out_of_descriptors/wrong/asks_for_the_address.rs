//! Caught by: a_client_gone_before_accept_is_survived
//! Told: A client was gone before
//!
//! Asks the stream for its peer, and unwraps the answer. The stream no longer has a peer: ENOTCONN.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    accept_all(&listener, start)
}

fn accept_all(listener: &TcpListener, start: fn(TcpStream, SocketAddr) -> io::Result<()>) -> ! {
    // ANCHOR: loop
    for stream in listener.incoming() {
        let started = stream.and_then(|stream| {
            let peer = stream.peer_addr().expect("a connected socket has a peer");
            start(stream, peer)
        });
        if let Err(error) = started {
            eprintln!("accepting: {error}");
            thread::sleep(Duration::from_millis(100));
        }
    }
    // ANCHOR_END: loop
    unreachable!("incoming never ends")
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
