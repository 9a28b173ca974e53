//! Caught by: a_drip_is_cut_off, a_frame_has_one_deadline
//! Told: A byte arrived every 100
//!
//! Sets a read timeout: as long as a byte arrives now and then, it never expires.

use std::io::{self, ErrorKind, Read, Write};
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

// ANCHOR: read
fn read_frame(mut stream: &TcpStream, within: Duration) -> io::Result<Option<Vec<u8>>> {
    stream.set_read_timeout(None)?;
    let mut frame = vec![0; 4];
    if stream.read(&mut frame[..1])? == 0 {
        return Ok(None);
    }
    stream.set_read_timeout(Some(within))?;
    stream.read_exact(&mut frame[1..])?;
    let size = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
    if size > LIMIT {
        return Err(ErrorKind::InvalidData.into());
    }
    frame.resize(4 + size, 0);
    stream.read_exact(&mut frame[4..])?;
    Ok(Some(frame))
}
// ANCHOR_END: read
