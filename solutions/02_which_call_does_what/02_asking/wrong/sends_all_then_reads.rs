//! Caught by: sends_each_line_bare, prints_each_reply, stops_at_closed, an_empty_line_does_not_hang
//! Told: The answer to the second
//!
//! Sends everything first, then reads as many answers.

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
    let mut count = 0;
    for line in io::stdin().lines() {
        let line = line?;
        if line.is_empty() {
            continue;
        }
        server.sendall(line.as_bytes())?;
        count += 1;
    }
    // Time for the answers to arrive together: without it they sometimes come one by one.
    std::thread::sleep(std::time::Duration::from_millis(300));
    for _ in 0..count {
        let answer = server.recv(1024)?;
        println!("{}", String::from_utf8_lossy(&answer));
        if answer == b"closed" {
            break;
        }
    }
    Ok(())
}
