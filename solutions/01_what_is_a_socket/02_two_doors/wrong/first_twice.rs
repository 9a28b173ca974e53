//! Caught by: prints_both_greetings, a_greeting_ends_with_the_stream, the_order_is_the_arguments,
//! a_refused_door_is_named
//! Told: Two doors, two sockets: connect
//!
//! Reads the first greeting, and prints it once for each door.

use std::io::{self, Read};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

fn main() -> io::Result<()> {
    let doors: Vec<String> = std::env::args().skip(1).collect();
    let mut greeting = String::new();
    if doors[0].contains('/') {
        UnixStream::connect(&doors[0])?.read_to_string(&mut greeting)?;
    } else {
        TcpStream::connect(&doors[0])?.read_to_string(&mut greeting)?;
    }
    for _ in doors {
        print!("{greeting}");
    }
    Ok(())
}
