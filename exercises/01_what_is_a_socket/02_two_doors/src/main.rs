//! Connects to two servers, at a TCP address and at a path, and prints what each of them sends.
//!
//! `127.0.0.1:7878` is a TCP address; an argument with a `/` is the path of a Unix socket.

use std::process::ExitCode;

fn main() -> ExitCode {
    for address in std::env::args().skip(1) {
        match greeting(&address) {
            Ok(greeting) => print!("{greeting}"),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// Everything that the server at `address` sends until it closes.
fn greeting(address: &str) -> std::io::Result<String> {
    todo!("connect to {address} and read until the end of the stream")
}
