//! Caught by: a_drip_is_cut_off
//! Told: Half a frame came together
//!
//! Starts the clock when a read brings something, and stops it with each whole frame: what came with
//! that frame, of the next one, has no clock until more comes.

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

fn echo(mut stream: &TcpStream, within: Duration) -> io::Result<()> {
    let mut incoming = Vec::new();
    let mut deadline: Option<Instant> = None;
    let mut buffer = [0; 4096];
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(left)?;
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return if incoming.is_empty() {
                Ok(())
            } else {
                Err(ErrorKind::UnexpectedEof.into())
            };
        }
        incoming.extend_from_slice(&buffer[..length]);
        deadline = deadline.or(Some(Instant::now() + within));
        while let Some(frame) = take_frame(&mut incoming)? {
            stream.write_all(&frame)?;
            deadline = None;
        }
    }
}

fn take_frame(incoming: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    let Some(length) = incoming.first_chunk() else {
        return Ok(None);
    };
    let size = u32::from_be_bytes(*length) as usize;
    if size > LIMIT {
        return Err(ErrorKind::InvalidData.into());
    }
    let whole = length.len() + size;
    Ok((incoming.len() >= whole).then(|| incoming.drain(..whole).collect()))
}
