//! Caught by: a_frame_has_one_deadline
//! Told: The length took most of
//!
//! Starts the clock again for the payload: a frame gets twice its time.

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

fn read_frame(mut stream: &TcpStream, within: Duration) -> io::Result<Option<Vec<u8>>> {
    stream.set_read_timeout(None)?;
    let mut frame = vec![0];
    if stream.read(&mut frame)? == 0 {
        return Ok(None);
    }
    let deadline = Instant::now() + within;

    let mut length = [0; 4];
    read_until(stream, &mut frame, length.len(), deadline)?;
    length.copy_from_slice(&frame);
    let size = u32::from_be_bytes(length) as usize;
    if size > LIMIT {
        return Err(ErrorKind::InvalidData.into());
    }
    let deadline = Instant::now() + within;
    read_until(stream, &mut frame, length.len() + size, deadline)?;
    Ok(Some(frame))
}

fn read_until(
    mut stream: &TcpStream,
    frame: &mut Vec<u8>,
    size: usize,
    deadline: Instant,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while frame.len() < size {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let most = buffer.len().min(size - frame.len());
        match stream.read(&mut buffer[..most]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => frame.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
