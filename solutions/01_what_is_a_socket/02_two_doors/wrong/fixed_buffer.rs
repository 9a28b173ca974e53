//! Caught by: a_greeting_ends_with_the_stream
//! Told: This greeting is 110,000 bytes
//!
//! Reads on until the stream ends, or the buffer is full: who greets with more than 4,096 bytes?

use std::io::{self, Read};
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

fn read(mut stream: impl Read) -> io::Result<String> {
    let mut buffer = [0; 4096];
    let mut length = 0;
    while length < buffer.len() {
        let count = stream.read(&mut buffer[length..])?;
        if count == 0 {
            break;
        }
        length += count;
    }
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}
