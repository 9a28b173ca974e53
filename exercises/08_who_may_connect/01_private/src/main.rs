//! Greets each client of a socket that is private from the moment it is created.

use std::io::{self, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::Mode;
use rustix::process::umask;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: ex-08-01 PATH");
    let listener = bind_private(Path::new(&path))?;
    println!("listening on {path}");
    for client in listener.incoming() {
        if let Err(error) = client.and_then(|mut client| client.write_all(b"hello\n")) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
    Ok(())
}

/// Listens on `path`. Only this user can connect, from the moment the socket file is created.
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let given = umask(Mode::empty()); // the only way to read it is to set another one
    umask(given);
    todo!("listen on {path:?} with mode 0600; this program was given the umask {given:?}")
}
