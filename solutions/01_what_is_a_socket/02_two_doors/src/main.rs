//! Connects to two servers, at a TCP address and at a path, and prints what each of them sends.
//!
//! `127.0.0.1:7878` is a TCP address; an argument with a `/` is the path of a Unix socket.

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

fn main() -> ExitCode {
    for address in std::env::args().skip(1) {
        match greeting(&address) {
            Ok(greeting) => print!("{greeting}"),
            Err(error) => {
                // "Connection refused" alone doesn't say by whom.
                eprintln!("{address}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

// ANCHOR: greeting
/// Everything that the server at `address` sends until it closes.
fn greeting(address: &str) -> io::Result<String> {
    if address.contains('/') {
        io::read_to_string(UnixStream::connect(address)?)
    } else {
        io::read_to_string(TcpStream::connect(address)?)
    }
}
// ANCHOR_END: greeting
