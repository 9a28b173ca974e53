//! Caught by: close_in_any_case_closes, restarts_at_once, a_message_is_what_one_recv_returns
//! Told: When the message is `close`,
//!
//! Replies first and compares afterwards: `close` is a message too.

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

// ANCHOR: serve
fn serve(client: &Socket) -> io::Result<()> {
    loop {
        let message = client.recv(1024)?;
        client.sendall(b"accepted")?;
        if message.eq_ignore_ascii_case(b"close") {
            return Ok(());
        }
    }
}
// ANCHOR_END: serve
