//! Caught by: a_trickling_reader_is_cut_off
//! Told: You gave up on the
//!
//! Gives up in time, and goes on with the next request: the client can't know that half a reply is
//! all it will get.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// The longest reply.
const LIMIT: usize = 64 << 20;

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (address, millis) = args
        .next()
        .zip(args.next())
        .expect("usage: ADDRESS MILLISECONDS");
    let within = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => drop(thread::spawn(move || talk(&stream, within))),
            Err(error) => eprintln!("a client was lost: {error}"),
        }
    }
    Ok(())
}

fn talk(stream: &TcpStream, within: Duration) {
    if let Err(error) = serve(stream, within) {
        eprintln!("a client: {error}");
    }
}

/// Each line is a number; its answer is so many bytes.
fn serve(stream: &TcpStream, within: Duration) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        let size = line?.parse().unwrap_or(usize::MAX);
        if size > LIMIT {
            return Err(ErrorKind::InvalidData.into());
        }
        send(stream, &vec![b'x'; size], Instant::now() + within)?;
    }
    Ok(())
}

fn send(mut stream: &TcpStream, reply: &[u8], deadline: Instant) -> io::Result<()> {
    stream.set_write_timeout(Some(deadline - Instant::now()))?;
    if stream.write(reply)? < reply.len() {
        eprintln!("a client took a part of its reply");
    }
    Ok(())
}
