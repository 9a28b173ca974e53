//! Greets each client until SIGINT or SIGTERM, and then removes its socket file.

use std::io::{self, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: ex-07-03 PATH");
    // From here on the two signals don't end the program: they wait until it reads them.
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    // The parent process may have blocked them, and a program inherits that.
    SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]).thread_unblock()?;
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    thread::spawn(move || greet(&listener));
    signals.forever().next();
    leave(Path::new(&path))
}

/// Removes the file that this program created at `path`, but nothing that has replaced it.
fn leave(path: &Path) -> io::Result<()> {
    todo!("remove {path:?}, if it is the socket that this program created")
}

/// Says hello to every client.
fn greet(listener: &UnixListener) {
    for client in listener.incoming() {
        if let Err(error) = client.and_then(|mut client| client.write_all(b"hello\n")) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
}
