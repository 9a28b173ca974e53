//! Caught by: restarts_at_once
//! Told: The server closed its connection
//!
//! Makes the tutorial's calls, and no others, so it can't start again right away.

use std::io;
use std::net::SocketAddr;

use pocket_socket::{AF_INET, SOCK_STREAM, Socket, socket};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let server = listen_on(address.parse().map_err(io::Error::other)?)?;
    println!("listening on {}", server.getsockname()?);
    let (client, _) = server.accept()?;
    serve(&client)?;
    client.close()?;
    server.close()
}

// ANCHOR: listen
fn listen_on(address: SocketAddr) -> io::Result<Socket> {
    let server = socket(AF_INET, SOCK_STREAM)?;
    server.bind(address)?;
    server.listen(0)?;
    Ok(server)
}
// ANCHOR_END: listen

fn serve(client: &Socket) -> io::Result<()> {
    loop {
        let message = client.recv(1024)?;
        if message.eq_ignore_ascii_case(b"close") {
            return client.sendall(b"closed");
        }
        client.sendall(b"accepted")?;
    }
}
