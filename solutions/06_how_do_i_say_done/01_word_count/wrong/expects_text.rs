//! Caught by: answers_after_half_close
//! Told: Whatever the client sends is
//!
//! Expects text, and gives up on a client that sends something else.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        // One client's trouble is not the next one's.
        match stream.and_then(|stream| serve(&stream)) {
            Ok(counts) => println!("counted {counts}"),
            Err(error) => eprintln!("a client: {error}"),
        }
    }
    Ok(())
}

/// What a client sent, as `wc` counts it.
#[derive(Debug, Default)]
struct Counts {
    lines: u64,
    words: u64,
    bytes: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.lines, self.words, self.bytes)
    }
}

fn serve(mut stream: &TcpStream) -> io::Result<Counts> {
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let counts = Counts {
        lines: text.matches('\n').count() as u64,
        words: text.split_whitespace().count() as u64,
        bytes: text.len() as u64,
    };
    writeln!(stream, "{counts}")?;
    Ok(counts)
}
