//! Sends as many bytes as a line asks for, and gives the client a limited time to read them.

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
        .expect("usage: sol-11-02 ADDRESS MILLISECONDS");
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
    if let Err(error) = serve(stream, within) {
        let _ = writeln!(io::stderr(), "a client: {error}");
    }
}

/// Each line is a number; the reply is that many bytes.
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

/// Sends the whole reply.
///
/// # Errors
///
/// When the stream fails, or the kernel has not accepted the last byte by the deadline.
fn send(mut stream: &TcpStream, reply: &[u8], deadline: Instant) -> io::Result<()> {
    let mut rest = reply;
    while !rest.is_empty() {
        // Each write gets what is left, so that no number of writes makes it more.
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into()); // a timeout of zero would mean none
        }
        stream.set_write_timeout(Some(left))?;
        match stream.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error), // WouldBlock is the timeout, see socket(7)
        }
    }
    Ok(())
}
