//! Starts another program and talks to it over a socket that has no name: no one else can connect.
//!
//! Usage: `cargo run -p unix-server --example ch15_private_line`

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;

fn main() -> io::Result<()> {
    // ANCHOR: line
    let (mut ours, theirs) = UnixStream::pair()?;
    let theirs = OwnedFd::from(theirs);
    let mut child = Command::new("tr")
        .args(["a-z", "A-Z"])
        .stdin(theirs.try_clone()?)
        .stdout(theirs)
        .spawn()?;
    // The command is gone at this point, along with its copies of the other end.
    ours.write_all(b"nobody else hears this\n")?;
    ours.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    ours.read_to_string(&mut answer)?;
    // ANCHOR_END: line
    print!("{answer}");
    child.wait()?;
    Ok(())
}
