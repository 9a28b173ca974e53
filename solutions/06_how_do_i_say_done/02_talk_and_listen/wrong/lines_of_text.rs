//! Caught by: every_answer_is_printed_in_order
//! Told: All that the server says
//!
//! Takes what the server says for lines of text.

use std::io::{self, BufRead, BufReader};
use std::net::{Shutdown, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
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
    thread::scope(|scope| {
        let talking = scope.spawn(|| talk(stream));
        for line in BufReader::new(stream).lines() {
            println!("{}", line?);
        }
        talking.join().expect("`talk` does not panic")
    })
}

fn talk(mut stream: &TcpStream) -> io::Result<()> {
    io::copy(&mut io::stdin(), &mut stream)?;
    // All is said, and not all is heard.
    stream.shutdown(Shutdown::Write)
}
