//! Caught by: sends_each_line_bare, prints_each_reply
//! Told: When the input is over,
//!
//! At the end of input `read_line` returns 0 and leaves the line empty, which is skipped, again and
//! again.

use std::io;

use pocket_socket::{AF_INET, SOCK_STREAM, Socket, socket};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let address: std::net::SocketAddr = address.parse().map_err(io::Error::other)?;
    let server = socket(AF_INET, SOCK_STREAM)?;
    server.connect(address)?;
    ask(&server)?;
    server.close()
}

fn ask(server: &Socket) -> io::Result<()> {
    loop {
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        let line = line.trim_end_matches('\n');
        if line.is_empty() {
            continue;
        }
        server.sendall(line.as_bytes())?;
        let answer = server.recv(1024)?;
        println!("{}", String::from_utf8_lossy(&answer));
        if answer == b"closed" {
            return Ok(());
        }
    }
}
