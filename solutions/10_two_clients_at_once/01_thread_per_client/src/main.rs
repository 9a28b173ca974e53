//! Replies `accepted` to each line, for all clients at once.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: sol-10-01 ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => start(move || talk(&stream)),
            Err(error) => _ = writeln!(io::stderr(), "a client was lost: {error}"),
        }
    }
    Ok(())
}

/// Runs `client` to its end, while the caller goes on to accept the next client.
///
/// Nobody joins the thread: it ends when its client leaves, and a panic ends it and no other. Its
/// closure owns the stream, so however it ends, the connection is closed.
fn start(client: impl FnOnce() + Send + 'static) {
    // `thread::spawn` would panic, here in the accept loop, when the system has no thread left.
    if let Err(error) = thread::Builder::new().spawn(client) {
        let _ = writeln!(io::stderr(), "a client was lost: {error}");
    }
}

/// Talks to one client until it leaves.
fn talk(stream: &TcpStream) {
    if let Err(error) = handle(stream) {
        let _ = writeln!(io::stderr(), "a client: {error}");
    }
}

/// Replies to each line.
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
