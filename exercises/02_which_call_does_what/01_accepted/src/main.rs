//! The tutorial's server: one client, `accepted` to each message, `closed` to `close`.

use std::io;
use std::net::SocketAddr;

use pocket_socket::Socket;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ex-02-01 ADDRESS");
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
    todo!("create a socket, bind it to {address}, and listen")
}

/// Replies to each message until one is `close`. A message is what one `recv(1024)` returns.
fn serve(client: &Socket) -> io::Result<()> {
    todo!("receive from {client:?}, and send a reply, until it says close")
}
