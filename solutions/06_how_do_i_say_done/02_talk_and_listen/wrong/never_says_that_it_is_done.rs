//! Caught by: the_end_of_input_is_said, a_long_conversation_does_not_deadlock
//! Told: Your input is over and
//!
//! Never ends its input: the server waits for more, and the client for the server.

use std::io;
use std::net::TcpStream;
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let stream = TcpStream::connect(address)?;
    talk_and_listen(&stream)
}

fn talk_and_listen(mut stream: &TcpStream) -> io::Result<()> {
    thread::scope(|scope| {
        let mut writer = stream;
        let talking = scope.spawn(move || io::copy(&mut io::stdin(), &mut writer));
        io::copy(&mut stream, &mut io::stdout())?;
        talking.join().expect("copy does not panic")?;
        Ok(())
    })
}
