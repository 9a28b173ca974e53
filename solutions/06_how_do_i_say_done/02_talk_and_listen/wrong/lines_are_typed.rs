//! Caught by: the_end_of_input_is_said
//! Told: The server waits for all of
//!
//! Takes standard input for lines of text, and ends each of them with a newline of its own.

use std::io::{self, Write};
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
    for line in io::stdin().lines() {
        writeln!(stream, "{}", line?)?;
    }
    stream.shutdown(Shutdown::Write)
}
