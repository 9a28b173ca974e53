//! Caught by: a_message_is_what_one_recv_returns
//! Told: 1,024 bytes came, and `close`
//!
//! Receives as much as it can get: two messages that came together have one answer.

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
        let message = client.recv(65536)?;
        if message.eq_ignore_ascii_case(b"close") {
            return client.sendall(b"closed");
        }
        client.sendall(b"accepted")?;
    }
}
