//! Caught by: gone_after_sigterm, gone_after_sigint, a_successors_path_survives
//! Told: Your program listens, and its
//!
//! Removes the file as soon as it listens: nothing to clean up later. And nobody can come in.

use std::fs;
use std::io::{self, Write};
use std::os::unix::net::UnixListener;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: PATH");
    // From here on the two signals do not kill: they wait for somebody to take them.
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let listener = UnixListener::bind(&path)?;
    fs::remove_file(&path)?;
    println!("listening on {path}");
    thread::spawn(move || greet(&listener));
    signals.forever().next();
    Ok(())
}

/// Says hello to everyone.
fn greet(listener: &UnixListener) {
    for client in listener.incoming() {
        if let Err(error) = client.and_then(|mut client| client.write_all(b"hello\n")) {
            eprintln!("a client: {error}");
        }
    }
}
