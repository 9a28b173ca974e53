//! Caught by: memory_stays_bounded
//! Told: A client keeps sending requests
//!
//! Puts the replies into a channel, and another thread sends them, so that reading never has to
//! wait. The channel has no limit, so the client decides how much memory it takes.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

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

/// Each line is a number; the reply is that many bytes.
fn serve(stream: &TcpStream, within: Duration) -> io::Result<()> {
    // ANCHOR: queue
    let writer = stream.try_clone()?;
    let (replies, queue) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        for reply in queue {
            if let Err(error) = send(&writer, &reply, Instant::now() + within) {
                eprintln!("a client: {error}");
                let _ = writer.shutdown(std::net::Shutdown::Both);
                return;
            }
        }
    });
    // ANCHOR_END: queue
    for line in BufReader::new(stream).lines() {
        let size = line?.parse().unwrap_or(usize::MAX);
        if size > LIMIT {
            return Err(ErrorKind::InvalidData.into());
        }
        if replies.send(vec![b'x'; size]).is_err() {
            return Err(ErrorKind::BrokenPipe.into());
        }
    }
    Ok(())
}

fn send(mut stream: &TcpStream, reply: &[u8], deadline: Instant) -> io::Result<()> {
    let mut rest = reply;
    while !rest.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_write_timeout(Some(left))?;
        match stream.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
