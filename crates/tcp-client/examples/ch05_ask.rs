//! Asks a server that speaks chapter 4's frames ten times, and prints how long each answer took.
//!
//! Usage: `cargo run -p tcp-client --example ch05_ask [ADDRESS]`

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let mut stream = TcpStream::connect(address.as_deref().unwrap_or("127.0.0.1:7878"))?;
    for _ in 0..10 {
        let start = Instant::now();
        stream.write_all(b"\0\0\0\x05hello")?;
        let mut reply = [0; 12];
        stream.read_exact(&mut reply)?;
        let took = start.elapsed().as_secs_f64() * 1000.0;
        println!("{} after {took:.1} ms", reply[4..].escape_ascii());
    }
    Ok(())
}
