//! Caught by: a_slow_but_honest_client_is_served
//! Told: A frame may be empty,
//!
//! Reads first and asks after whether all is there: for an empty frame it reads no bytes, gets 0, and
//! takes that for the end of the stream.

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

/// The next whole frame, its length in front; nothing when the stream ends before it.
///
/// # Errors
///
/// When the stream fails or ends inside the frame, when it declares more than [`LIMIT`], and when
/// it isn't whole `within` so much time of its first byte.
fn read_frame(mut stream: &TcpStream, within: Duration) -> io::Result<Option<Vec<u8>>> {
    // Idle is no crime: the clock starts with the first byte.
    stream.set_read_timeout(None)?;
    let mut frame = vec![0];
    if stream.read(&mut frame)? == 0 {
        return Ok(None);
    }
    let deadline = Instant::now() + within;

    frame.resize(4, 0);
    fill(stream, &mut frame[1..], deadline)?;
    let size = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
    if size > LIMIT {
        return Err(ErrorKind::InvalidData.into());
    }
    frame.resize(4 + size, 0);
    fill(stream, &mut frame[4..], deadline)?;
    Ok(Some(frame))
}

fn fill(mut stream: &TcpStream, buffer: &mut [u8], deadline: Instant) -> io::Result<()> {
    let mut have = 0;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer[have..])? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            length => have += length,
        }
        if have == buffer.len() {
            return Ok(());
        }
    }
}
