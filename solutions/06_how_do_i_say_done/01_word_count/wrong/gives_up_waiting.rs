//! Caught by: silence_is_not_the_end
//! Told: The client was silent for
//!
//! Takes half a second of silence for the end of the input.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

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
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    let mut counts = Counts::default();
    let mut in_word = false;
    let mut buffer = [0; 16 * 1024];
    loop {
        let length = match stream.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            other => other?,
        };
        if length == 0 {
            break;
        }
        for byte in &buffer[..length] {
            counts.lines += u64::from(*byte == b'\n');
            counts.words += u64::from(!in_word && !byte.is_ascii_whitespace());
            in_word = !byte.is_ascii_whitespace();
        }
        counts.bytes += length as u64;
    }
    writeln!(stream, "{counts}")?;
    Ok(counts)
}
