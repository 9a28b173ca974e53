//! Makes sure that the last reply arrives: the server ends its direction of the stream, and closes
//! the connection when the client has ended the other direction.
//!
//! Usage: `cargo run -p tcp-server --example ch06_linger [ADDRESS]`

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// The longest message that the server reads.
const LIMIT: u32 = 64 * 1024;

/// How long a client may take to finish, whatever it still sends, before the server closes.
const PATIENCE: Duration = Duration::from_secs(1);

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:7878"))?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| finish(&stream)) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
    Ok(())
}

// ANCHOR: finish
fn finish(stream: &TcpStream) -> io::Result<()> {
    let served = serve(stream);
    linger(stream)?;
    served
}

/// A close with unread input resets the connection, and the reset may overtake the last reply. So:
/// end this direction, then read and discard until the client has finished too.
fn linger(stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let deadline = Instant::now() + PATIENCE;
    let mut rest = stream;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        if rest.read(&mut [0; 4096])? == 0 {
            return Ok(());
        }
    }
}
// ANCHOR_END: finish

fn serve(stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(message) = read_frame(&mut reader)? {
        if message.eq_ignore_ascii_case(b"close") {
            return write_frame(stream, b"closed");
        }
        write_frame(stream, b"accepted")?;
    }
    Ok(())
}

/// Reads the next complete message; `None` if the stream ends between messages.
fn read_frame(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > LIMIT {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut message = Vec::new();
    reader.take(length.into()).read_to_end(&mut message)?;
    if message.len() < length as usize {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(message))
}

// ANCHOR: write_frame
fn write_frame(mut stream: &TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).expect("our messages are short");
    let frame = [&length.to_be_bytes(), message].concat();
    stream.write_all(&frame)
}
// ANCHOR_END: write_frame
