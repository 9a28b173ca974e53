//! Caught by: answers_after_half_close
//! Told: Only ASCII white space separates
//!
//! Splits at whatever Unicode calls white space, which is more than the task does.

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
    let mut input = Vec::new();
    stream.read_to_end(&mut input)?;
    let text = String::from_utf8_lossy(&input);
    let counts = Counts {
        lines: text.matches('\n').count() as u64,
        words: text.split_whitespace().count() as u64,
        bytes: input.len() as u64,
    };
    writeln!(stream, "{counts}")?;
    Ok(counts)
}
