//! Caught by: stops_at_closed
//! Told: The server said `closed`, and
//!
//! Looks at the answer only when the next line is there: the check is the loop's condition, at its
//! end.

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
    let mut answer = Vec::new();
    for line in io::stdin().lines() {
        if answer == b"closed" {
            break;
        }
        let line = line?;
        if line.is_empty() {
            continue;
        }
        server.sendall(line.as_bytes())?;
        answer = server.recv(1024)?;
        println!("{}", String::from_utf8_lossy(&answer));
    }
    Ok(())
}
