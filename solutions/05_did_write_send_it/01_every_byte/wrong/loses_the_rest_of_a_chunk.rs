//! Caught by: a_slow_reader_gets_it_all
//! Told: A piece is missing in
//!
//! Sends in chunks and waits when one does not go. One that goes by half counts as sent.

use std::io::{self, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};

use rustix::event::{PollFd, PollFlags, poll};

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (address, size) = args.next().zip(args.next()).expect("usage: ADDRESS BYTES");
    let reply = reply(size.parse().expect("the size is a number of bytes"));
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        // One client's trouble is not the next one's.
        if let Err(error) = stream.and_then(|stream| serve(&stream, &reply)) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}

/// The bytes from 0 to 250, again and again: a piece that is lost or sent twice shows.
fn reply(size: usize) -> Vec<u8> {
    let round: Vec<u8> = (0..=250).collect();
    let mut reply = round.repeat(size / round.len() + 1);
    reply.truncate(size);
    reply
}

fn serve(stream: &TcpStream, reply: &[u8]) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    send(stream, reply)
}

fn send(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    for chunk in bytes.chunks(100_000) {
        while let Err(error) = stream.write(chunk) {
            if error.kind() != ErrorKind::WouldBlock {
                return Err(error);
            }
            wait_until_writable(stream)?;
        }
    }
    Ok(())
}

/// Sleeps until the stream takes more bytes, or has failed, which the next write tells.
fn wait_until_writable(stream: &TcpStream) -> io::Result<()> {
    poll(&mut [PollFd::new(stream, PollFlags::OUT)], None)?;
    Ok(())
}
