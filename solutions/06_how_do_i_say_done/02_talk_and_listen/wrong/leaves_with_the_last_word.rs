//! Caught by: the_end_of_input_is_said, a_long_conversation_does_not_deadlock,
//! every_answer_is_printed_in_order
//! Told: You have said all; the
//!
//! The main thread talks, another one listens; when all is said, main returns, and the listener dies
//! in the middle of an answer.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let stream = TcpStream::connect(address)?;
    talk_and_listen(&stream)
}

fn talk_and_listen(mut stream: &TcpStream) -> io::Result<()> {
    let mut reader = stream.try_clone()?;
    thread::spawn(move || io::copy(&mut reader, &mut io::stdout()));
    io::copy(&mut io::stdin(), &mut stream)?;
    stream.shutdown(Shutdown::Write)
}
