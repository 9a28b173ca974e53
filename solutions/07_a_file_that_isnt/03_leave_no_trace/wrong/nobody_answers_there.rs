//! Caught by: a_successors_path_survives
//! Told: A socket is there that
//!
//! Lets its socket go and knocks at the path. Who answers is a successor; and where nobody does, it
//! must be its own. But a successor may have bound, and not listen yet.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: PATH");
    // From here on the two signals do not kill: they wait for somebody to take them.
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    let closer = OwnedFd::from(listener.try_clone()?);
    thread::spawn(move || greet(&listener));
    signals.forever().next();
    // Whoever knocks is refused from now on.
    UnixStream::from(closer).shutdown(Shutdown::Both)?;
    leave(Path::new(&path))
}

/// Removes what this program has made at `path`, and nothing that has come there since.
fn leave(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    match UnixStream::connect(path) {
        Err(error) if is_socket && error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path)
        }
        _ => Ok(()),
    }
}

/// Says hello to everyone.
fn greet(listener: &UnixListener) {
    for client in listener.incoming() {
        if let Err(error) = client.and_then(|mut client| client.write_all(b"hello\n")) {
            eprintln!("a client: {error}");
            thread::sleep(Duration::from_millis(10)); // or until the program ends
        }
    }
}
