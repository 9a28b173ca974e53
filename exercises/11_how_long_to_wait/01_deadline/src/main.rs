//! Echoes frames: a length (four bytes, big-endian) and that many bytes of payload. Each frame has
//! a given number of milliseconds to arrive.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// The longest payload that is accepted.
const LIMIT: usize = 65_536;

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (address, millis) = args
        .next()
        .zip(args.next())
        .expect("usage: ex-11-01 ADDRESS MILLISECONDS");
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
fn read_frame(stream: &TcpStream, within: Duration) -> io::Result<Option<Vec<u8>>> {
    todo!("read a frame of at most {LIMIT} bytes from {stream:?}, complete within {within:?}")
}
