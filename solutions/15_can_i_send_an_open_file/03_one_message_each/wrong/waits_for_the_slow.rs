//! Caught by: a_full_queue_keeps_nobody_waiting
//! Told: One sender isn't reading its answers
//!
//! Answers as one does over UDP, where `send_to` never waits.

use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let path = args.next().expect("usage: PATH LIMIT");
    let limit = args.next().and_then(|limit| limit.parse().ok());
    let limit = limit.expect("usage: PATH LIMIT");
    let socket = UnixDatagram::bind(&path)?;
    println!("listening on {path}");
    serve(&socket, limit)
}

fn serve(socket: &UnixDatagram, limit: usize) -> io::Result<()> {
    let mut buffer = vec![0; limit + 1];
    // ANCHOR: loop
    loop {
        let (length, sender) = socket.recv_from(&mut buffer)?;
        let reply = if length <= limit {
            print(&buffer[..length])?;
            "ok"
        } else {
            println!("too long");
            "too long"
        };
        if let Err(error) = socket.send_to_addr(reply.as_bytes(), &sender) {
            let _ = writeln!(io::stderr(), "no answer: {error}");
        }
    }
    // ANCHOR_END: loop
}

/// Prints how many bytes a message has, and the bytes as they came.
fn print(message: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    write!(out, "{} ", message.len())?;
    out.write_all(message)?;
    writeln!(out)
}
