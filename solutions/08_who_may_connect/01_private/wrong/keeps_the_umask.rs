//! Caught by: the_umask_is_put_back
//! Told: The umask belongs to the
//!
//! Sets the umask and leaves it so. Whatever else the program makes from now on, a log, a folder,
//! nobody but its owner may read, and nobody can enter.

use std::io::{self, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::Mode;
use rustix::process::umask;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: PATH");
    let listener = bind_private(Path::new(&path))?;
    println!("listening on {path}");
    for client in listener.incoming() {
        if let Err(error) = client.and_then(|mut client| client.write_all(b"hello\n")) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}

/// Listens at `path`, where only this user may read and write, and never anybody else could.
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
    UnixListener::bind(path)
}
