//! Caught by: recovers
//! Told: Clients left, so there are
//!
//! A descriptor comes back when a client leaves: waits until the one who came first does.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    accept_all(&listener, start)
}

/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts for ever, and has `start` serve each client.
///
/// Out of descriptors, accept fails at once and leaves the client in the queue: it pays to try again
/// only when somebody may have left. Where there is no thread for a client, the same pause helps.
fn accept_all(listener: &TcpListener, start: Start) -> ! {
    let mut inside = VecDeque::new();
    loop {
        // The address comes with the stream: to ask for it later fails if the client has gone.
        let started = listener
            .accept()
            .and_then(|(stream, peer)| start(stream, peer));
        match started {
            Ok(client) => inside.push_back(client),
            Err(error) => {
                eprintln!("accepting: {error}");
                match inside.pop_front() {
                    Some(first) => drop(first.join()),
                    None => thread::sleep(PAUSE),
                }
            }
        }
    }
}

type Start = fn(TcpStream, SocketAddr) -> io::Result<JoinHandle<()>>;

fn start(stream: TcpStream, peer: SocketAddr) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().spawn(move || {
        if let Err(error) = talk(&stream, peer) {
            eprintln!("a client: {error}");
        }
    })
}

/// Greets the client and answers each line.
fn talk(mut stream: &TcpStream, peer: SocketAddr) -> io::Result<()> {
    stream.write_all(format!("hello {peer}\n").as_bytes())?;
    for line in BufReader::new(stream).lines() {
        line?;
        stream.write_all(b"accepted\n")?;
    }
    Ok(())
}
