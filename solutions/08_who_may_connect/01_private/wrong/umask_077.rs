//! Caught by: mode_is_0600_whatever_the_umask
//! Told: bind makes the file with mode 0777, less what the umask takes away.
//!
//! Takes everything from the others, as one does for a folder. The socket is 0700 then: private, and
//! not what was asked for.

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
    let given = umask(Mode::RWXG | Mode::RWXO);
    let listener = UnixListener::bind(path);
    umask(given);
    listener
}
