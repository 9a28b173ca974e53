//! Receives messages, some of them with an open file, and reports each file's size and sum.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: ex-15-02 PATH");
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    for client in listener.incoming() {
        let started = client.and_then(|client| start(move || serve(&client)));
        if let Err(error) = started {
            // Perhaps no descriptor is left: one may become free soon.
            let _ = writeln!(io::stderr(), "could not start serving a client: {error}");
            thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

/// Serves a client on its own thread.
fn start(client: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().spawn(move || {
        if let Err(error) = client() {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    });
    thread.map(drop)
}

/// A message, and the files that arrived with its first byte.
struct Message {
    kind: u8,
    name: String,
    /// None, one, or more than the message needs.
    files: Vec<OwnedFd>,
    /// There was no room for a file that was sent, so the kernel discarded it.
    cut: bool,
}

/// Answers each message with a line.
fn serve(mut client: &UnixStream) -> io::Result<()> {
    while let Some(message) = next(client)? {
        client.write_all(answer(message).as_bytes())?;
    }
    Ok(())
}

/// The next message; `None` at the end of the stream.
fn next(client: &UnixStream) -> io::Result<Option<Message>> {
    todo!("receive the next message, and what arrives with it, from {client:?}")
}

/// The answer to a message.
fn answer(message: Message) -> String {
    let Message {
        kind,
        name,
        files,
        cut,
    } = message;
    todo!("answer {name}, of kind {kind}, with {files:?}; some were cut off: {cut}")
}
