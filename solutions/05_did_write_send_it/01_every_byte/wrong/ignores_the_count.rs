//! Caught by: a_slow_reader_gets_it_all, a_client_that_leaves_is_given_up
//! Told: write() took what fitted into
//!
//! One write, and what it returned is thrown away.

use std::io::{self, Write};
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

// ANCHOR: send
#[expect(clippy::unused_io_amount, reason = "the mistake")]
fn send(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    wait_until_writable(stream)?;
    stream.write(bytes)?;
    Ok(())
}
// ANCHOR_END: send

/// Sleeps until the stream takes more bytes, or has failed, which the next write tells.
fn wait_until_writable(stream: &TcpStream) -> io::Result<()> {
    poll(&mut [PollFd::new(stream, PollFlags::OUT)], None)?;
    Ok(())
}
