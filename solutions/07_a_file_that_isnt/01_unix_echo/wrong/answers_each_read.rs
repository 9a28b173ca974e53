//! Caught by: speaks_the_same_frames
//! Told: A Unix stream has no
//!
//! On this machine a message comes in one read, so sends back what a read returns.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: PATH");
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}

fn serve(mut stream: &UnixStream) -> io::Result<()> {
    let mut buffer = [0; 65_536];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length])?;
    }
}
