//! Caught by: a_refused_door_is_named
//! Told: Nobody listens at one of
//!
//! Goes on to the next door, and forgets on the way that the one before was shut.

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for address in std::env::args().skip(1) {
        code = match greeting(&address) {
            Ok(greeting) => {
                print!("{greeting}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{address}: {error}");
                ExitCode::FAILURE
            }
        };
    }
    code
}

fn greeting(address: &str) -> io::Result<String> {
    if address.contains('/') {
        io::read_to_string(UnixStream::connect(address)?)
    } else {
        io::read_to_string(TcpStream::connect(address)?)
    }
}
