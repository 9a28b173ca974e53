//! Caught by: a_panic_ends_one_connection
//! Told: A panic ends its own
//!
//! Joins the threads that have ended, so as to leave nothing behind. `join` returns the panic, and
//! `unwrap` passes it on to the accept loop.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for stream in listener.incoming() {
        for ended in threads.extract_if(.., |thread| thread.is_finished()) {
            ended.join().expect("a client's thread ends well");
        }
        match stream {
            Ok(stream) => threads.push(thread::spawn(move || talk(&stream))),
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
