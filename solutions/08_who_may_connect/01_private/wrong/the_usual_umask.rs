//! Caught by: the_umask_is_put_back
//! Told: The umask belongs to the
//!
//! Puts the usual umask back, 022. Whoever started the program with another one had a reason.

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
    let listener = UnixListener::bind(path);
    umask(Mode::WGRP | Mode::WOTH);
    listener
}
