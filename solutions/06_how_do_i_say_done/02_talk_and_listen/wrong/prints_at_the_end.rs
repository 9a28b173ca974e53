//! Caught by: every_answer_is_printed_in_order
//! Told: The server answered and the
//!
//! Reads beside the writing, so that nobody waits for ever; and keeps the answers until the last one
//! has come.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let stream = TcpStream::connect(address)?;
    talk_and_listen(&stream)
}

fn talk_and_listen(mut stream: &TcpStream) -> io::Result<()> {
    thread::scope(|scope| {
        let talking = scope.spawn(|| talk(stream));
        let mut answers = Vec::new();
        stream.read_to_end(&mut answers)?;
        io::stdout().write_all(&answers)?;
        talking.join().expect("`talk` does not panic")
    })
}

fn talk(mut stream: &TcpStream) -> io::Result<()> {
    io::copy(&mut io::stdin(), &mut stream)?;
    stream.shutdown(Shutdown::Write)
}
