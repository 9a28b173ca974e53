//! Caught by: close_in_any_case_closes, restarts_at_once
//! Told: After `closed`, close the connection:
//!
//! Answers `closed`, and goes on receiving: the client will hang up, won't it?

use std::io;
use std::net::SocketAddr;

use pocket_socket::{AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, Socket, socket};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let server = listen_on(address.parse().map_err(io::Error::other)?)?;
    println!("listening on {}", server.getsockname()?);
    let (client, _) = server.accept()?;
    serve(&client)?;
    client.close()?;
    server.close()
}

fn listen_on(address: SocketAddr) -> io::Result<Socket> {
    let server = socket(AF_INET, SOCK_STREAM)?;
    server.setsockopt(SOL_SOCKET, SO_REUSEADDR, true)?;
    server.bind(address)?;
    server.listen(0)?;
    Ok(server)
}

fn serve(client: &Socket) -> io::Result<()> {
    loop {
        let message = client.recv(1024)?;
        if message.is_empty() {
            return Ok(());
        }
        if message.eq_ignore_ascii_case(b"close") {
            client.sendall(b"closed")?;
        } else {
            client.sendall(b"accepted")?;
        }
    }
}
