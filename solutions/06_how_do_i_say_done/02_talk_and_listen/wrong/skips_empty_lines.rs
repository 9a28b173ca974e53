//! Caught by: the_end_of_input_is_said
//! Told: The server waits for all of
//!
//! An empty line says nothing, so it isn't sent.

use std::io::{self, BufRead, Write};
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
        io::copy(&mut stream, &mut io::stdout())?;
        talking.join().expect("`talk` does not panic")
    })
}

fn talk(mut stream: &TcpStream) -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        if line != b"\n" {
            stream.write_all(&line)?;
        }
        line.clear();
    }
    stream.shutdown(Shutdown::Write)
}
