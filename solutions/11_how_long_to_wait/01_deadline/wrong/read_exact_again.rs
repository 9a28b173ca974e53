//! Caught by: a_timeout_loses_no_bytes
//! Told: The client paused inside a
//!
//! Looks at the clock now and then, and calls `read_exact` again after each timeout. What the
//! first call had read is gone.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// The longest payload that is served.
const LIMIT: usize = 65_536;

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
    if let Err(error) = echo(stream, within) {
        eprintln!("a client: {error}");
    }
}

/// Sends back every frame, until the stream ends or a frame takes too long.
fn echo(mut stream: &TcpStream, within: Duration) -> io::Result<()> {
    while let Some(frame) = read_frame(stream, within)? {
        stream.write_all(&frame)?;
    }
    Ok(())
}

fn read_frame(stream: &TcpStream, within: Duration) -> io::Result<Option<Vec<u8>>> {
    stream.set_read_timeout(None)?;
    if stream.peek(&mut [0])? == 0 {
        return Ok(None);
    }
    stream.set_read_timeout(Some(Duration::from_millis(90)))?;
    let deadline = Instant::now() + within;
    let mut length = [0; 4];
    read_whole(stream, &mut length, deadline)?;
    let size = u32::from_be_bytes(length) as usize;
    if size > LIMIT {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut payload = vec![0; size];
    read_whole(stream, &mut payload, deadline)?;
    Ok(Some([length.to_vec(), payload].concat()))
}

fn read_whole(mut stream: &TcpStream, buffer: &mut [u8], deadline: Instant) -> io::Result<()> {
    loop {
        match stream.read_exact(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < deadline => {}
            other => return other,
        }
    }
}
