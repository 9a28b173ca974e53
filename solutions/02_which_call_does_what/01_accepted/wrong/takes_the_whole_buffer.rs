//! Caught by: says_accepted
//! Told: Every message but `close` gets
//!
//! Looks at its whole buffer in the place of what was received, and takes the zeros off again: a zero
//! that the client sent goes with them.

use std::io;
use std::net::SocketAddr;

use pocket_socket::{AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, Socket, socket};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let address = address.parse().map_err(io::Error::other)?;
    let server = listen_on(address)?;
    println!("listening on {}", server.getsockname()?);
    let (client, client_address) = server.accept()?;
    eprintln!("{client_address} has come");
    serve(&client)?;
    client.close()?;
    server.close()
}

fn listen_on(address: SocketAddr) -> io::Result<Socket> {
    let server = socket(AF_INET, SOCK_STREAM)?;
    // Before bind: it is bind that looks whether the address is still in use.
    server.setsockopt(SOL_SOCKET, SO_REUSEADDR, true)?;
    server.bind(address)?;
    server.listen(0)?;
    Ok(server)
}

fn serve(client: &Socket) -> io::Result<()> {
    loop {
        let mut buffer = [0; 1024];
        client.recv_into(&mut buffer)?;
        let text = String::from_utf8_lossy(&buffer);
        if text.trim_matches('\0').eq_ignore_ascii_case("close") {
            return client.sendall(b"closed");
        }
        // As in the tutorial, the end of the stream counts as a message. Chapter 3 mends that.
        client.sendall(b"accepted")?;
    }
}
