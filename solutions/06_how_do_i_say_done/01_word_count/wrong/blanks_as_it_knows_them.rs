//! Caught by: answers_after_half_close
//! Told: White space is what is_ascii_whitespace()
//!
//! Knows four kinds of white space, and forgets the form feed.

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
    let mut in_word = false;
    let mut buffer = [0; 16 * 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        for byte in &buffer[..length] {
            counts.lines += u64::from(*byte == b'\n');
            let blank = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
            counts.words += u64::from(!in_word && !blank);
            in_word = !blank;
        }
        counts.bytes += length as u64;
    }
    writeln!(stream, "{counts}")?;
    Ok(counts)
}
