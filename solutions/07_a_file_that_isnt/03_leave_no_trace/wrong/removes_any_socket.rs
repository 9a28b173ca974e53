//! Caught by: a_successors_path_survives
//! Told: Somebody has removed the file and
//!
//! Looks at what is there, and takes any socket for its own.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: PATH");
    // From here on the two signals do not kill: they wait for somebody to take them.
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    thread::spawn(move || greet(&listener));
    signals.forever().next();
    leave(Path::new(&path))
}

fn leave(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Says hello to everyone.
fn greet(listener: &UnixListener) {
    for client in listener.incoming() {
        if let Err(error) = client.and_then(|mut client| client.write_all(b"hello\n")) {
            eprintln!("a client: {error}");
        }
    }
}
