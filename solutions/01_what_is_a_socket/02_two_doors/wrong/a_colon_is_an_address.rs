//! Caught by: the_order_is_the_arguments
//! Told: Here the path is the
//!
//! Looks for the `:` before a port in the place of the `/`. A path may hold one, too.

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

fn greeting(address: &str) -> io::Result<String> {
    if !address.contains(':') {
        io::read_to_string(UnixStream::connect(address)?)
    } else {
        io::read_to_string(TcpStream::connect(address)?)
    }
}
