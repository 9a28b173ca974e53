//! Caught by: the_end_of_input_is_said, the_server_may_end_first,
//! a_long_conversation_does_not_deadlock, every_answer_is_printed_in_order
//! Told: The server waits for all of
//!
//! Sends a line, waits for a line: right for a server that answers each line with one line, at once.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let stream = TcpStream::connect(address)?;
    talk_and_listen(&stream)
}

fn talk_and_listen(mut stream: &TcpStream) -> io::Result<()> {
    let mut answers = BufReader::new(stream).lines();
    for line in io::stdin().lines() {
        stream.write_all((line? + "\n").as_bytes())?;
        if let Some(answer) = answers.next() {
            println!("{}", answer?);
        }
    }
    stream.shutdown(Shutdown::Write)
}
