//! Caught by: a_refused_door_is_named
//! Told: Nothing is listening at one of
//!
//! Hands the error to `main`, which prints it: "Connection refused", but by whom?

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

// ANCHOR: main
fn main() -> io::Result<()> {
    for address in std::env::args().skip(1) {
        let greeting = if address.contains('/') {
            io::read_to_string(UnixStream::connect(address)?)?
        } else {
            io::read_to_string(TcpStream::connect(address)?)?
        };
        print!("{greeting}");
    }
    Ok(())
}
// ANCHOR_END: main
