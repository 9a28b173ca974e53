//! Greets whoever connects, until SIGINT or SIGTERM, and takes its socket's file along.

use std::io::{self, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: ex-07-03 PATH");
    // From here on the two signals do not kill: they wait for somebody to take them.
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    // Whoever started this program may have blocked them, and a program inherits that.
    SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]).thread_unblock()?;
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    thread::spawn(move || greet(&listener));
    signals.forever().next();
    leave(Path::new(&path))
}

/// Removes what this program has made at `path`, and nothing that has come there since.
fn leave(path: &Path) -> io::Result<()> {
    todo!("remove {path:?}, if it is the socket that this program made")
}

/// Says hello to everyone.
fn greet(listener: &UnixListener) {
    for client in listener.incoming() {
        if let Err(error) = client.and_then(|mut client| client.write_all(b"hello\n")) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
}
