//! Caught by: says_accepted
//! Told: Every message but `close` gets
//!
//! Makes a String of each message, and falls over the first that is none.

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
        let message = String::from_utf8(client.recv(1024)?).map_err(io::Error::other)?;
        if message.eq_ignore_ascii_case("close") {
            return client.sendall(b"closed");
        }
        client.sendall(b"accepted")?;
    }
}
