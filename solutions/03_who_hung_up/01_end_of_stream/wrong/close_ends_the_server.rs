//! Caught by: serves_the_next_client
//! Told: A client said `close`: that
//!
//! `close` used to end the program, so it still does.

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
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        if buffer[..length].eq_ignore_ascii_case(b"close") {
            stream.write_all(b"closed")?;
            std::process::exit(0);
        }
        stream.write_all(b"accepted")?;
    }
}
