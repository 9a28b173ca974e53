//! Caught by: answers_as_in_chapter_2
//! Told: Every message but `close` is
//!
//! Looks at its whole buffer in the place of what was read, and takes the zeros off again: a zero that
//! the client sent goes with them.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        serve(&stream?)?;
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    loop {
        let mut buffer = [0; 1024];
        let length = stream.read(&mut buffer)?;
        // The end of the stream: the client sends no more. Returning closes our side too.
        if length == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&buffer);
        if text.trim_matches('\0').eq_ignore_ascii_case("close") {
            return stream.write_all(b"closed");
        }
        stream.write_all(b"accepted")?;
    }
}
