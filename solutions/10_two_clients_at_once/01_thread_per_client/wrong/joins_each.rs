//! Caught by: a_silent_client_blocks_nobody, a_panic_ends_one_connection
//! Told: A client connected and sent
//!
//! Starts a thread for each client and then waits for that thread: still one client at a time, with
//! extra steps.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => start(move || talk(&stream)),
            Err(error) => eprintln!("a client was lost: {error}"),
        }
    }
    Ok(())
}

// ANCHOR: start
fn start(client: impl FnOnce() + Send + 'static) {
    if thread::spawn(client).join().is_err() {
        eprintln!("a client's thread panicked");
    }
}
// ANCHOR_END: start

/// Talks to one client until it leaves.
fn talk(stream: &TcpStream) {
    if let Err(error) = handle(stream) {
        eprintln!("a client: {error}");
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
