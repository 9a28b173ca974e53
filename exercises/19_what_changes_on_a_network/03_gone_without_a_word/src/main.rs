//! Echoes lines, and finds out when a client has gone without saying so.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// How long accepting pauses when it fails (chapter 11).
const PAUSE: Duration = Duration::from_millis(100);

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (address, millis) = args
        .next()
        .zip(args.next())
        .expect("usage: ex-19-03 ADDRESS MILLISECONDS");
    let quiet = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        match listener.accept() {
            Ok((stream, peer)) => drop(thread::spawn(move || talk(&stream, peer, quiet))),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn talk(stream: &TcpStream, peer: SocketAddr, quiet: Duration) {
    match watch(stream).and_then(|()| serve(stream, quiet)) {
        // WouldBlock is a timeout of our own, see socket(7). TimedOut is the kernel's: it has given up.
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            println!("gone {peer}");
        }
        Err(error) => _ = writeln!(io::stderr(), "{peer}: {error}"),
        Ok(()) => {}
    }
}

/// Makes the kernel find out when the client's machine is gone.
fn watch(stream: &TcpStream) -> io::Result<()> {
    todo!("set keepalive and TCP_USER_TIMEOUT on {stream:?}")
}

/// Echoes each line but `pong`, until the client leaves.
///
/// # Errors
///
/// When the stream fails, or the client is silent and does not answer a `ping`.
fn serve(mut stream: &TcpStream, quiet: Duration) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        stream.write_all(&line)?;
        line.clear();
        todo!("send `ping` to a client that is silent for {quiet:?}, and wait for the answer")
    }
}
