//! Caught by: stops_at_closed
//! Told: Only the answer `closed` ends it,
//!
//! Looks for `closed` anywhere in the answer.

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
        if line.is_empty() {
            continue;
        }
        server.sendall(line.as_bytes())?;
        let answer = server.recv(1024)?;
        println!("{}", String::from_utf8_lossy(&answer));
        if String::from_utf8_lossy(&answer).contains("closed") {
            break;
        }
    }
    Ok(())
}
