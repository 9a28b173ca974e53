//! Caught by: the_server_may_end_first, a_long_conversation_does_not_deadlock,
//! every_answer_is_printed_in_order
//! Told: The server sent something before
//!
//! Sends everything first, and reads after that. This works as long as both sides send little.

use std::io;
use std::net::{Shutdown, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let stream = TcpStream::connect(address)?;
    talk_and_listen(&stream)
}

// ANCHOR: talk
fn talk_and_listen(mut stream: &TcpStream) -> io::Result<()> {
    io::copy(&mut io::stdin(), &mut stream)?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut stream, &mut io::stdout())?;
    Ok(())
}
// ANCHOR_END: talk
