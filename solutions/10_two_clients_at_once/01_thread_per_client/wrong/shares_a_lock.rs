//! Caught by: a_panic_ends_one_connection
//! Told: A panic ends its own
//!
//! Counts the answers under a lock, and the panic happens while it is held. The lock is poisoned from
//! then on, and every other thread that unwraps it panics too.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let answers = Arc::new(Mutex::new(0_u64));
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => {
                let answers = Arc::clone(&answers);
                thread::spawn(move || handle(&stream, &answers));
            }
            Err(error) => eprintln!("a client was lost: {error}"),
        }
    }
    Ok(())
}

fn handle(mut stream: &TcpStream, answers: &Mutex<u64>) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let mut answers = answers.lock().expect("nobody panics");
        assert_ne!(line, "panic", "a mistake in the code that serves a client");
        *answers += 1;
        stream.write_all(b"accepted\n")?;
    }
    Ok(())
}
