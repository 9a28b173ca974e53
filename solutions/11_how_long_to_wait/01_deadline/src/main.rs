//! Echoes frames: a length (four bytes, big-endian) and that many bytes of payload. Each frame has
//! a given number of milliseconds to arrive.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// The longest payload that is accepted.
const LIMIT: usize = 65_536;

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (address, millis) = args
        .next()
        .zip(args.next())
        .expect("usage: sol-11-01 ADDRESS MILLISECONDS");
    let within = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => drop(thread::spawn(move || talk(&stream, within))),
            Err(error) => _ = writeln!(io::stderr(), "a client was lost: {error}"),
        }
    }
    Ok(())
}

fn talk(stream: &TcpStream, within: Duration) {
    if let Err(error) = echo(stream, within) {
        let _ = writeln!(io::stderr(), "a client: {error}");
    }
}

/// Sends back every frame, until the stream ends or a frame takes too long.
fn echo(mut stream: &TcpStream, within: Duration) -> io::Result<()> {
    while let Some(frame) = read_frame(stream, within)? {
        stream.write_all(&frame)?;
    }
    Ok(())
}

/// The next whole frame, with its length prefix; `None` when the stream ends before it.
///
/// # Errors
///
/// When the stream fails or ends inside the frame, when the frame declares more than [`LIMIT`], and
/// when it isn't complete `within` this time after its first byte.
fn read_frame(mut stream: &TcpStream, within: Duration) -> io::Result<Option<Vec<u8>>> {
    // Idle is no crime: the clock starts with the first byte.
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
    read_until(stream, &mut frame, length.len() + size, deadline)?;
    Ok(Some(frame))
}

// ANCHOR: until
/// Reads until `frame` has `size` bytes. What a read brought is kept, whatever becomes of the next.
fn read_until(
    mut stream: &TcpStream,
    frame: &mut Vec<u8>,
    size: usize,
    deadline: Instant,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while frame.len() < size {
        // Each read gets what is left, so that no number of reads makes it more.
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into()); // a timeout of zero would mean none
        }
        stream.set_read_timeout(Some(left))?;
        let most = buffer.len().min(size - frame.len());
        match stream.read(&mut buffer[..most]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => frame.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error), // WouldBlock is the timeout, see socket(7)
        }
    }
    Ok(())
}
// ANCHOR_END: until
