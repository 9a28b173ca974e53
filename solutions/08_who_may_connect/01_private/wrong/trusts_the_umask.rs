//! Caught by: never_seen_open, mode_is_0600_whatever_the_umask
//! Told: Others may connect to it.
//!
//! Whoever starts this will have set a good umask. The usual one, 022, leaves 0755.

use std::io::{self, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;

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

fn bind_private(path: &Path) -> io::Result<UnixListener> {
    UnixListener::bind(path)
}
