//! Greets each client by its address and replies `accepted` to each line. When the descriptors run
//! out, it waits until there are some again.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: sol-11-03 ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    accept_all(&listener, start)
}

/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts forever, and calls `start` to serve each client.
///
/// Out of descriptors, accept fails at once and leaves the client in the queue: it pays to try again
/// only when somebody may have left. Where there is no thread for a client, the same pause helps.
fn accept_all(listener: &TcpListener, start: fn(TcpStream, SocketAddr) -> io::Result<()>) -> ! {
    loop {
        // The address comes with the stream: to ask for it later fails if the client has gone.
        let started = listener
            .accept()
            .and_then(|(stream, peer)| start(stream, peer));
        if let Err(error) = started {
            let _ = writeln!(io::stderr(), "accepting: {error}");
            thread::sleep(PAUSE);
        }
    }
}

fn start(stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
    thread::Builder::new().spawn(move || {
        if let Err(error) = talk(&stream, peer) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    })?;
    Ok(())
}

/// Greets the client and replies to each line.
fn talk(mut stream: &TcpStream, peer: SocketAddr) -> io::Result<()> {
    stream.write_all(format!("hello {peer}\n").as_bytes())?;
    for line in BufReader::new(stream).lines() {
        line?;
        stream.write_all(b"accepted\n")?;
    }
    Ok(())
}
