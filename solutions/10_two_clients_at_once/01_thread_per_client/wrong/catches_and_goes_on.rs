//! Caught by: a_panic_ends_one_connection
//! Told: This client's thread panicked, and
//!
//! Catches the panic and serves the same client again: nobody knows what state it was left in.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => drop(thread::spawn(move || {
                while panic::catch_unwind(AssertUnwindSafe(|| talk(&stream))).is_err() {
                    eprintln!("a client's service panicked; once more");
                }
            })),
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
