//! Caught by: answers_after_half_close, a_word_may_arrive_in_pieces, six_megabytes_are_counted
//! Told: These are not the counts
//!
//! Takes the first newline for the end of the input.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
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
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let counts = Counts {
        lines: line.matches('\n').count() as u64,
        words: line.split_whitespace().count() as u64,
        bytes: line.len() as u64,
    };
    writeln!(stream, "{counts}")?;
    Ok(counts)
}
