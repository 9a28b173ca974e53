//! Caught by: a_live_server_is_left_alone, a_regular_file_survives, a_symlink_survives,
//! one_of_two_starters_wins
//! Told: That path is in use, and your program
//!
//! Removes whatever is at the path, and binds. Many examples do that.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let path = std::env::args().nth(1).expect("usage: PATH");
    let path = PathBuf::from(path);
    match take(&path) {
        Ok(listener) => {
            println!("listening on {}", path.display());
            greet(&listener)
        }
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            ExitCode::from(2)
        }
    }
}

// ANCHOR: take
fn take(path: &Path) -> io::Result<UnixListener> {
    if path.as_os_str().len() > 107 {
        return Err(io::Error::other("too long for a socket"));
    }
    let _ = fs::remove_file(path);
    UnixListener::bind(path)
}
// ANCHOR_END: take

/// Says hello to every client. A program that only knocked has already left, and that is fine.
fn greet(listener: &UnixListener) -> ExitCode {
    for client in listener.incoming() {
        match client.and_then(|mut client| client.write_all(b"hello\n")) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => eprintln!("a client: {error}"),
            _ => {}
        }
    }
    ExitCode::SUCCESS
}
