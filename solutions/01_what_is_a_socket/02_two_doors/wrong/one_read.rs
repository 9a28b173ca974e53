//! Caught by: a_greeting_ends_with_the_stream
//! Told: This server sends its greeting
//!
//! Reads once from each door. The greeting is short, so one read is enough.

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
    let mut buffer = [0; 1024];
    let length = if address.contains('/') {
        UnixStream::connect(address)?.read(&mut buffer)?
    } else {
        TcpStream::connect(address)?.read(&mut buffer)?
    };
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}
