//! Caught by: says_accepted
//! Told: You were given 127.0.0.1 to
//!
//! Takes the port from its argument and listens on every address that the machine has.

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
    server.bind(SocketAddr::from(([0, 0, 0, 0], address.port())))?;
    server.listen(0)?;
    Ok(server)
}

fn serve(client: &Socket) -> io::Result<()> {
    loop {
        let message = client.recv(1024)?;
        if message.eq_ignore_ascii_case(b"close") {
            return client.sendall(b"closed");
        }
        client.sendall(b"accepted")?;
    }
}
