//! Caught by: the_end_of_input_is_said, a_long_conversation_does_not_deadlock,
//! every_answer_is_printed_in_order
//! Told: You have said all; the
//!
//! Ends both directions when its input ends: what the server still had to say is lost.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let stream = TcpStream::connect(address)?;
    talk_and_listen(&stream)
}

fn talk_and_listen(mut stream: &TcpStream) -> io::Result<()> {
    thread::scope(|scope| {
        let mut writer = stream;
        scope.spawn(move || {
            io::copy(&mut io::stdin(), &mut writer)?;
            writer.shutdown(Shutdown::Both)
        });
        io::copy(&mut stream, &mut io::stdout())?;
        Ok(())
    })
}
