//! Caught by: sends_each_line_bare
//! Told: The input ends without a
//!
//! The last byte of a line is its newline, so cut it off; the last line may have none.

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
        let line = std::mem::take(&mut line);
        let line = &line[..line.len() - 1];
        if line.is_empty() {
            continue;
        }
        server.sendall(line.as_bytes())?;
        let answer = server.recv(1024)?;
        println!("{}", String::from_utf8_lossy(&answer));
        if answer == b"closed" {
            break;
        }
    }
    Ok(())
}
