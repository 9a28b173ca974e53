//! Caught by: gone_after_sigterm, gone_after_sigint, a_successors_path_survives
//! Told: Your program got a SIGTERM, and it
//!
//! Cleans up in `Drop`, as everything else in Rust does. But a signal ends the process immediately,
//! and no destructor runs.

use std::io::{self, Write};
use std::os::unix::net::UnixListener;
use std::{env, fs};

// ANCHOR: drop
/// Removed when this is dropped.
struct SocketFile(String);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
// ANCHOR_END: drop

fn main() -> io::Result<()> {
    let path = env::args().nth(1).expect("usage: PATH");
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    let _file = SocketFile(path);
    greet(&listener);
    Ok(())
}

/// Says hello to every client.
fn greet(listener: &UnixListener) {
    for client in listener.incoming() {
        if let Err(error) = client.and_then(|mut client| client.write_all(b"hello\n")) {
            eprintln!("a client: {error}");
        }
    }
}
