//! Caught by: a_client_that_leaves_is_given_up
//! Told: A client left in the
//!
//! Gives up a client that has left, and tells nobody: to `main` it looks as if all had been sent.

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
    let mut rest = bytes;
    while !rest.is_empty() {
        match stream.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_until_writable(stream)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    Ok(())
}

fn wait_until_writable(stream: &TcpStream) -> io::Result<()> {
    poll(&mut [PollFd::new(stream, PollFlags::OUT)], None)?;
    Ok(())
}
