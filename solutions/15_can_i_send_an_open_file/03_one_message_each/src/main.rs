//! Prints each datagram that arrives, and answers the senders that have a name.

use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;

use rustix::net::{RecvFlags, SendFlags, SocketAddrAny, recvfrom, sendto};

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let path = args.next().expect("usage: sol-15-03 PATH LIMIT");
    let limit = args.next().and_then(|limit| limit.parse().ok());
    let limit = limit.expect("usage: sol-15-03 PATH LIMIT");
    let socket = UnixDatagram::bind(&path)?;
    println!("listening on {path}");
    serve(&socket, limit)
}

// ANCHOR: serve
/// Receives messages for as long as the program runs; returns only with an error.
fn serve(socket: &UnixDatagram, limit: usize) -> io::Result<()> {
    // One byte more than a message may have: of one that fills it, there was more.
    let mut buffer = vec![0; limit + 1];
    loop {
        let (_, length, from) = recvfrom(socket, &mut buffer[..], RecvFlags::empty())?;
        let reply = if length <= limit {
            print(&buffer[..length])?;
            "ok"
        } else {
            println!("too long");
            "too long"
        };
        if let Some(from) = from {
            answer(socket, reply, &from);
        }
    }
}
// ANCHOR_END: serve

/// Prints how many bytes a message has, and the bytes as they came.
fn print(message: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    write!(out, "{} ", message.len())?;
    out.write_all(message)?;
    writeln!(out)
}

// ANCHOR: answer
/// Answers, if that can be done at once. Who has no name, is gone, or has a full queue goes without:
/// that is their trouble, and no reason to keep the others waiting.
fn answer(socket: &UnixDatagram, reply: &str, to: &SocketAddrAny) {
    if let Err(error) = sendto(socket, reply.as_bytes(), SendFlags::DONTWAIT, to) {
        let _ = writeln!(io::stderr(), "no answer: {error}");
    }
}
// ANCHOR_END: answer
