//! Caught by: never_seen_open, mode_is_0600_whatever_the_umask
//! Told: Others may connect to it.
//!
//! Sets the umask to the mode that it wants. A umask says what is taken away.

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

fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let given = umask(Mode::RUSR | Mode::WUSR);
    let listener = UnixListener::bind(path);
    umask(given);
    listener
}
