//! Sends its standard input to a server, and prints what the server says, both at once.

use std::io;
use std::net::TcpStream;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ex-06-02 ADDRESS");
    let stream = TcpStream::connect(address)?;
    talk_and_listen(&stream)
}

/// Sends standard input to the server as it comes, and prints what the server says as it comes,
/// until each of them has said all.
///
/// # Errors
///
/// When the stream, standard input or standard output fails.
fn talk_and_listen(stream: &TcpStream) -> io::Result<()> {
    todo!("send what comes in to {stream:?}, and print what comes from it")
}
