//! Greets each client until SIGINT or SIGTERM, and then removes its socket file.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: sol-07-03 PATH");
    // From here on the two signals don't end the program: they wait until it reads them.
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    // The parent process may have blocked them, and a program inherits that.
    SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]).thread_unblock()?;
    let listener = UnixListener::bind(&path)?;
    let made = identity(Path::new(&path))?;
    println!("listening on {path}");
    thread::spawn(move || greet(&listener));
    signals.forever().next();
    leave(Path::new(&path), made)
}

// ANCHOR: leave
/// Removes the file that this program created at `path`, but nothing that has replaced it.
fn leave(path: &Path, made: (u64, u64)) -> io::Result<()> {
    match identity(path) {
        Ok(found) if found == made => fs::remove_file(path),
        Ok(_) => Ok(()), // a successor's
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// What tells one file from another, whatever its name: the device, and the inode on it. No other
/// file can get this number for as long as the socket is open.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}
// ANCHOR_END: leave

/// Says hello to every client.
fn greet(listener: &UnixListener) {
    for client in listener.incoming() {
        if let Err(error) = client.and_then(|mut client| client.write_all(b"hello\n")) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
}
