//! Counts the lines, words and bytes that a client sends, and replies when it has finished.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: sol-06-01 ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        // One client's error must not affect the next client.
        match stream.and_then(|stream| serve(&stream)) {
            Ok(counts) => _ = writeln!(io::stdout(), "counted {counts}"),
            Err(error) => _ = writeln!(io::stderr(), "a client: {error}"),
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

/// Counts what the client sends until the end of its input, then replies `LINES WORDS BYTES`.
///
/// # Errors
///
/// When the stream fails. A client that resets has not finished: nothing is counted.
fn serve(mut stream: &TcpStream) -> io::Result<Counts> {
    let mut counts = Counts::default();
    let mut in_word = false;
    let mut buffer = [0; 16 * 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            break; // the end of what it says, not of what it hears
        }
        for byte in &buffer[..length] {
            counts.lines += u64::from(*byte == b'\n');
            // A word is counted where it begins, and it may go on in the next read.
            counts.words += u64::from(!in_word && !byte.is_ascii_whitespace());
            in_word = !byte.is_ascii_whitespace();
        }
        counts.bytes += length as u64;
    }
    writeln!(stream, "{counts}")?;
    Ok(counts)
}
