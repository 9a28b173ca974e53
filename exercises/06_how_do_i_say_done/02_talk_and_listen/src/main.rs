//! Sends its standard input to a server, and prints what the server sends, both at the same time.

use std::io;
use std::net::TcpStream;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ex-06-02 ADDRESS");
    let stream = TcpStream::connect(address)?;
    talk_and_listen(&stream)
}

/// Sends standard input to the server as it arrives, and prints what the server sends as it
/// arrives, until both have ended.
///
/// # Errors
///
/// When the stream, standard input or standard output fails.
fn talk_and_listen(stream: &TcpStream) -> io::Result<()> {
    todo!("send standard input to {stream:?}, and print what arrives from it")
}
