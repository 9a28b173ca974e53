//! Caught by: a_trickling_reader_is_cut_off
//! Told: A client took a little
//!
//! Waits for as long as the client likes.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// The longest reply.
const LIMIT: usize = 64 << 20;

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
    if let Err(error) = serve(stream, within) {
        eprintln!("a client: {error}");
    }
}

/// Each line is a number; its answer is so many bytes.
fn serve(stream: &TcpStream, within: Duration) -> io::Result<()> {
    let _ = within;
    let mut writer = stream;
    for line in BufReader::new(stream).lines() {
        let size = line?.parse().unwrap_or(usize::MAX);
        if size > LIMIT {
            return Err(ErrorKind::InvalidData.into());
        }
        writer.write_all(&vec![b'x'; size])?;
    }
    Ok(())
}
