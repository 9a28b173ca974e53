//! Caught by: sends_each_line_bare, prints_each_reply, stops_at_closed, an_empty_line_does_not_hang
//! Told: Send the line as it
//!
//! `read_line` leaves the newline at the end of the line, and it is sent along.

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
    let mut line = String::new();
    while io::stdin().read_line(&mut line)? > 0 {
        server.sendall(line.as_bytes())?;
        let answer = server.recv(1024)?;
        println!("{}", String::from_utf8_lossy(&answer));
        if answer == b"closed" {
            break;
        }
        line.clear();
    }
    Ok(())
}
