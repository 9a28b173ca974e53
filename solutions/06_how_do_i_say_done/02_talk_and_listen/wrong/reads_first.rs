//! Caught by: the_end_of_input_is_said, a_long_conversation_does_not_deadlock,
//! every_answer_is_printed_in_order
//! Told: The server waits for all of
//!
//! Listens until the server has said all, and only then begins to speak. So does the server.

use std::io;
use std::net::{Shutdown, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let stream = TcpStream::connect(address)?;
    talk_and_listen(&stream)
}

fn talk_and_listen(mut stream: &TcpStream) -> io::Result<()> {
    io::copy(&mut stream, &mut io::stdout())?;
    io::copy(&mut io::stdin(), &mut stream)?;
    stream.shutdown(Shutdown::Write)
}
