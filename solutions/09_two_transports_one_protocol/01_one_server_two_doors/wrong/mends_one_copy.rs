//! Caught by: any_split_is_the_same_message, one_and_a_half_then_the_rest,
//! ending_inside_a_frame_is_an_error
//! Told: On this address, your program
//!
//! Copied the server for the Unix socket before it was fixed, and then fixed only the copy that was
//! tested.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;

fn main() -> ExitCode {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    match run(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{address}: {error}");
            ExitCode::from(2)
        }
    }
}

/// Listens on `address`, prints that, and serves one client after another.
fn run(address: &str) -> io::Result<()> {
    match address.split_once(':') {
        Some(("tcp", host_and_port)) if !host_and_port.is_empty() => {
            let listener = TcpListener::bind(host_and_port)?;
            println!("listening on tcp:{}", listener.local_addr()?);
            serve_all(listener.incoming())
        }
        Some(("unix", path)) if !path.is_empty() => {
            let listener = UnixListener::bind(path)?;
            println!("listening on unix:{path}");
            for stream in listener.incoming() {
                if let Err(error) = stream.and_then(serve_unix) {
                    eprintln!("a client: {error}");
                }
            }
            Ok(())
        }
        _ => Err(io::Error::other("neither tcp:HOST:PORT nor unix:PATH")),
    }
}

/// Serves one client after another, whatever they came through.
fn serve_all<S: Read + Write>(clients: impl Iterator<Item = io::Result<S>>) -> io::Result<()> {
    for stream in clients {
        if let Err(error) = stream.and_then(serve) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}

/// Sends back every frame that arrives, until the stream ends.
fn serve(stream: impl Read + Write) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(frame) = read_frame(&mut reader)? {
        // Nothing is buffered on the way out, so to write past the buffer is fine.
        reader.get_mut().write_all(&frame)?;
    }
    Ok(())
}

// ANCHOR: copy
/// The same for the other door: chapter 4's first attempt.
fn serve_unix(mut stream: UnixStream) -> io::Result<()> {
    let mut length = [0; 4];
    while stream.read_exact(&mut length).is_ok() {
        let mut payload = vec![0; u32::from_be_bytes(length) as usize];
        let got = stream.read(&mut payload)?;
        stream.write_all(&length)?;
        stream.write_all(&payload[..got])?;
    }
    Ok(())
}
// ANCHOR_END: copy

/// The next whole frame, with its length prefix; `None` at the end of the stream.
fn read_frame(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let size = u32::from_be_bytes(length);
    let mut frame = length.to_vec();
    reader.take(size.into()).read_to_end(&mut frame)?;
    if frame.len() < 4 + size as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(frame))
}
