//! Caught by: a_refused_door_is_named
//! Told: Nobody listens at one of
//!
//! A refused connection is a bug in the program's caller, so `unwrap` it.

#![allow(clippy::unwrap_used)]

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

fn main() {
    for address in std::env::args().skip(1) {
        let greeting = if address.contains('/') {
            io::read_to_string(UnixStream::connect(&address).unwrap())
        } else {
            io::read_to_string(TcpStream::connect(&address).unwrap())
        };
        print!("{}", greeting.unwrap());
    }
}
