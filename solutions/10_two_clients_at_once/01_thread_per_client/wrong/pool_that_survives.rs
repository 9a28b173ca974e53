//! Caught by: a_silent_client_blocks_nobody
//! Told: A hundred clients are connected
//!
//! The pool again, mended so that a panic doesn't end a worker. It is still four clients at once, and
//! whoever says nothing has one of the four for as long as it likes.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let (jobs, next) = mpsc::channel::<TcpStream>();
    let next = Arc::new(Mutex::new(next));
    for _ in 0..4 {
        let next = Arc::clone(&next);
        thread::spawn(move || {
            loop {
                let stream = next
                    .lock()
                    .expect("no client is served under the lock")
                    .recv();
                let Ok(stream) = stream else { return };
                let served = panic::catch_unwind(AssertUnwindSafe(|| talk(&stream)));
                if served.is_err() {
                    eprintln!("a client's service panicked");
                }
            }
        });
    }
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => jobs.send(stream).expect("the workers never end"),
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
