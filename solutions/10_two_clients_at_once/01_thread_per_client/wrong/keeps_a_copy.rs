//! Caught by: a_panic_ends_one_connection
//! Told: This client's thread panicked, and
//!
//! Keeps a list of the connections, perhaps to end them all one day. The thread closes its descriptor,
//! the list holds another one of the same socket, and so the client is never told the end.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let mut clients = Vec::new();
    for stream in listener.incoming() {
        match stream.and_then(|stream| Ok((stream.try_clone()?, stream))) {
            Ok((copy, stream)) => {
                clients.push(copy);
                thread::spawn(move || talk(&stream));
            }
            Err(error) => eprintln!("a client was lost: {error}"),
        }
    }
    Ok(())
}

/// Talks to one client until it leaves.
fn talk(stream: &TcpStream) {
    if let Err(error) = handle(stream) {
        eprintln!("a client: {error}");
    }
}

/// Answers each line.
///
/// # Panics
///
/// When the line is `panic`: it stands for the mistake that every large program has somewhere.
fn handle(mut stream: &TcpStream) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        assert_ne!(line?, "panic", "a mistake in the code that serves a client");
        stream.write_all(b"accepted\n")?;
    }
    Ok(())
}
