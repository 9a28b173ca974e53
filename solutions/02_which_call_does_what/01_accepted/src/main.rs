//! The tutorial's server: one client, `accepted` to each message, `closed` to `close`.

use std::io;
use std::net::SocketAddr;

use pocket_socket::{AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, Socket, socket};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: sol-02-01 ADDRESS");
    let address = address.parse().map_err(io::Error::other)?;
    let server = listen_on(address)?;
    println!("listening on {}", server.getsockname()?);
    let (client, client_address) = server.accept()?;
    eprintln!("{client_address} has connected");
    serve(&client)?;
    client.close()?;
    server.close()
}

/// A socket that listens on `address`, even if another server was listening there a moment ago.
fn listen_on(address: SocketAddr) -> io::Result<Socket> {
    let server = socket(AF_INET, SOCK_STREAM)?;
    // Before bind: it is bind that looks whether the address is still in use.
    server.setsockopt(SOL_SOCKET, SO_REUSEADDR, true)?;
    server.bind(address)?;
    server.listen(0)?;
    Ok(server)
}

/// Replies to each message until one is `close`. A message is what one `recv(1024)` returns.
fn serve(client: &Socket) -> io::Result<()> {
    loop {
        let message = client.recv(1024)?;
        if message.eq_ignore_ascii_case(b"close") {
            return client.sendall(b"closed");
        }
        // As in the tutorial, the end of the stream counts as a message. Chapter 3 mends that.
        client.sendall(b"accepted")?;
    }
}
