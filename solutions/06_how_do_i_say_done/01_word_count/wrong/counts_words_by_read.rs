//! Caught by: a_word_may_arrive_in_pieces, six_megabytes_are_counted
//! Told: Each byte came in a
//!
//! Counts the words of each read by itself: a word that is cut counts twice.

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
    let mut counts = Counts::default();
    let mut buffer = [0; 16 * 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&buffer[..length]);
        counts.lines += text.matches('\n').count() as u64;
        counts.words += text.split_ascii_whitespace().count() as u64;
        counts.bytes += length as u64;
    }
    writeln!(stream, "{counts}")?;
    Ok(counts)
}
