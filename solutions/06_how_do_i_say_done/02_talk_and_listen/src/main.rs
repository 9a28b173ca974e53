//! Sends its standard input to a server, and prints what the server sends, both at the same time.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: sol-06-02 ADDRESS");
    let stream = TcpStream::connect(address)?;
    talk_and_listen(&stream)
}

/// Sends standard input to the server as it arrives, and prints what the server sends as it
/// arrives, until both have ended.
///
/// # Errors
///
/// When the stream, standard input or standard output fails.
fn talk_and_listen(mut stream: &TcpStream) -> io::Result<()> {
    thread::scope(|scope| {
        let talking = scope.spawn(|| talk(stream));
        io::copy(&mut stream, &mut io::stdout())?;
        talking.join().expect("`talk` does not panic")
    })
}

fn talk(mut stream: &TcpStream) -> io::Result<()> {
    io::copy(&mut io::stdin(), &mut stream)?;
    // All is said, and not all is heard.
    stream.shutdown(Shutdown::Write)
}
