//! Listens on a path where something may already exist, and greets each client.

use std::io::{self, ErrorKind, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use socket2::{Domain, SockAddr, Socket, Type};

fn main() -> ExitCode {
    let path = std::env::args().nth(1).expect("usage: ex-07-02 PATH");
    let path = PathBuf::from(path);
    match take(&path) {
        Ok(listener) => {
            println!("listening on {}", path.display());
            greet(&listener)
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "{}: {error}", path.display());
            ExitCode::from(2)
        }
    }
}

/// Listens on `path`, if nothing is there or a socket whose server is gone.
///
/// # Errors
///
/// If the path belongs to something else, or cannot be a socket's path.
fn take(path: &Path) -> io::Result<UnixListener> {
    let answer = knock(path);
    todo!("find out what is at {path:?}; knocking there returned {answer:?}")
}

/// Tries to connect to `path`, and never waits: if a live server is too busy to accept, it returns
/// an error of the kind `WouldBlock`.
fn knock(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

/// Says hello to every client. A program that only knocked has already left, and that is fine.
fn greet(listener: &UnixListener) -> ExitCode {
    for client in listener.incoming() {
        match client.and_then(|mut client| client.write_all(b"hello\n")) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                let _ = writeln!(io::stderr(), "a client: {error}");
            }
            _ => {}
        }
    }
    ExitCode::SUCCESS
}
