//! Caught by: a_greeting_ends_with_the_stream
//! Told: This greeting begins and ends
//!
//! Reads lines and ends each with a newline, also the one that had none.

use std::io::{self, BufRead, BufReader, Read};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

fn main() -> ExitCode {
    for address in std::env::args().skip(1) {
        match greeting(&address) {
            Ok(greeting) => print!("{greeting}"),
            Err(error) => {
                eprintln!("{address}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn greeting(address: &str) -> io::Result<String> {
    if address.contains('/') {
        read(UnixStream::connect(address)?)
    } else {
        read(TcpStream::connect(address)?)
    }
}

fn read(stream: impl Read) -> io::Result<String> {
    let mut greeting = String::new();
    for line in BufReader::new(stream).lines() {
        greeting += &line?;
        greeting.push('\n');
    }
    Ok(greeting)
}
