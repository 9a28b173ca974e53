//! Caught by: never_seen_open
//! Told: There was another socket at
//!
//! Looks at the mode that it got, and when that is too much, makes the socket again with another
//! umask. The first one was there, and whoever connected to it meanwhile waits for a server that is
//! gone.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
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
    let listener = UnixListener::bind(path)?;
    if path.symlink_metadata()?.permissions().mode() & 0o777 == 0o600 {
        return Ok(listener);
    }
    std::fs::remove_file(path)?;
    let given = umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
    let listener = UnixListener::bind(path);
    umask(given);
    listener
}
