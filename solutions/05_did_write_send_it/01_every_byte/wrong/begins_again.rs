//! Caught by: a_slow_reader_gets_it_all
//! Told: You sent the reply from its beginning
//!
//! Waits when write_all returns WouldBlock, and calls it again. write_all doesn't say how much of
//! the reply was already sent, so it starts from the beginning.

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
        // One client's error must not affect the next client.
        if let Err(error) = stream.and_then(|stream| serve(&stream, &reply)) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}

/// The bytes from 0 to 250, repeated, so that a piece that is lost or sent twice can be seen.
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

// ANCHOR: send
fn send(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    while let Err(error) = stream.write_all(bytes) {
        if error.kind() != ErrorKind::WouldBlock {
            return Err(error);
        }
        wait_until_writable(stream)?;
    }
    Ok(())
}
// ANCHOR_END: send

// ANCHOR: wait
/// Sleeps until the stream accepts more bytes, or has failed; the next write returns the error.
fn wait_until_writable(stream: &TcpStream) -> io::Result<()> {
    poll(&mut [PollFd::new(stream, PollFlags::OUT)], None)?;
    Ok(())
}
// ANCHOR_END: wait
