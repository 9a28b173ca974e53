//! Caught by: never_seen_open
//! Told: Between bind and chmod the
//!
//! Says that it listens, serves, and mends the mode when there is time.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;
use std::time::Duration;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: PATH");
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    thread::sleep(Duration::from_millis(50));
    mend(Path::new(&path))?;
    for client in listener.incoming() {
        if let Err(error) = client.and_then(|mut client| client.write_all(b"hello\n")) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}

fn mend(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o600))
}
