//! Sends a large reply on a non-blocking socket.

use std::io::{self, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};

use rustix::event::{PollFd, PollFlags, poll};

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (address, size) = args
        .next()
        .zip(args.next())
        .expect("usage: sol-05-01 ADDRESS BYTES");
    let reply = reply(size.parse().expect("the size is a number of bytes"));
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        // One client's error must not affect the next client.
        if let Err(error) = stream.and_then(|stream| serve(&stream, &reply)) {
            let _ = writeln!(io::stderr(), "a client: {error}");
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

/// Sends all of `bytes`, and returns when the kernel has accepted the last of them.
///
/// # Errors
///
/// When the stream fails.
fn send(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match stream.write(rest) {
            // What was taken is gone; what wasn't is still ours to send.
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_until_writable(stream)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sleeps until the stream accepts more bytes, or has failed; the next write returns the error.
fn wait_until_writable(stream: &TcpStream) -> io::Result<()> {
    poll(&mut [PollFd::new(stream, PollFlags::OUT)], None)?;
    Ok(())
}
