//! Caught by: stops_at_closed
//! Told: Only the answer `closed` ends it,
//!
//! Takes blanks and newlines away before it compares, so that it ends at an answer that only looks like
//! `closed`.

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
        // No bytes are no message: the server would see nothing, and we would wait for its answer.
        if line.is_empty() {
            continue;
        }
        server.sendall(line.as_bytes())?;
        let answer = server.recv(1024)?;
        println!("{}", String::from_utf8_lossy(&answer));
        if answer.trim_ascii() == b"closed" {
            break;
        }
    }
    Ok(())
}
