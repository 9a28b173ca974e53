//! Caught by: answers_after_half_close, silence_is_not_the_end, a_word_may_arrive_in_pieces,
//! six_megabytes_are_counted, a_reset_is_not_a_half_close
//! Told: You closed the connection without
//!
//! Treats the end of the input as the end of the connection, and concludes that no one is left to
//! reply to.

use std::fmt;
use std::io::{self, Read};
use std::net::{Shutdown, TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        // One client's error must not affect the next client.
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
    let mut in_word = false;
    let mut buffer = [0; 16 * 1024];
    loop {
        // ANCHOR: end
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            stream.shutdown(Shutdown::Both)?;
            return Ok(counts);
        }
        // ANCHOR_END: end
        for byte in &buffer[..length] {
            counts.lines += u64::from(*byte == b'\n');
            counts.words += u64::from(!in_word && !byte.is_ascii_whitespace());
            in_word = !byte.is_ascii_whitespace();
        }
        counts.bytes += length as u64;
    }
}
