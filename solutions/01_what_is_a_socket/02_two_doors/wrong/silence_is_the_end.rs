//! Caught by: a_greeting_ends_with_the_stream
//! Told: This server sends its greeting
//!
//! Waits for half a second, and takes a server that rests for one that has said all.

use std::io::{self, Read};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_millis(500);

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
        let stream = UnixStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        read(stream)
    } else {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        read(stream)
    }
}

fn read(mut stream: impl Read) -> io::Result<String> {
    let mut greeting = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        greeting.extend_from_slice(&buffer[..length]);
    }
    Ok(String::from_utf8_lossy(&greeting).into_owned())
}
