//! Caught by: the_order_is_the_arguments
//! Told: Here the path is the
//!
//! Takes the first argument for the TCP address and the second for the path.

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (address, path) = (&arguments[1], &arguments[2]);
    match TcpStream::connect(address).and_then(io::read_to_string) {
        Ok(greeting) => print!("{greeting}"),
        Err(error) => fail(address, &error),
    }
    match UnixStream::connect(path).and_then(io::read_to_string) {
        Ok(greeting) => print!("{greeting}"),
        Err(error) => fail(path, &error),
    }
}

fn fail(address: &str, error: &io::Error) {
    eprintln!("{address}: {error}");
    std::process::exit(1);
}
