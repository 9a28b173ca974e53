//! Caught by: an_empty_line_does_not_hang
//! Told: An empty line has no
//!
//! Sends a newline in the place of an empty line, so that at least something comes.

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
    for line in io::stdin().lines() {
        let line = line?;
        let line = if line.is_empty() {
            "\n".to_owned()
        } else {
            line
        };
        server.sendall(line.as_bytes())?;
        let answer = server.recv(1024)?;
        println!("{}", String::from_utf8_lossy(&answer));
        if answer == b"closed" {
            break;
        }
    }
    Ok(())
}
