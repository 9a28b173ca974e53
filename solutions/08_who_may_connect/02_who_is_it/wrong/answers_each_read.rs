//! Caught by: names_the_peer
//! Told: A line ends at its
//!
//! Answers whatever a read returns. Two lines that come together get one answer, and half a line
//! gets one too many.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use rustix::process::geteuid;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: PATH");
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}

/// Answers each line with the peer's process and user; another user's connection ends at once.
fn serve(mut stream: &UnixStream) -> io::Result<()> {
    let (pid, uid) = who_is(stream)?;
    if uid != geteuid().as_raw() {
        return Err(io::Error::other(format!("uid {uid} is not served")));
    }
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        eprintln!("it says: {}", buffer[..count].escape_ascii());
        writeln!(stream, "pid={pid} uid={uid}")?;
    }
}

/// The process and the user at the other end, as the kernel noted them when they connected.
#[cfg(target_os = "linux")]
fn who_is(stream: &UnixStream) -> io::Result<(u32, u32)> {
    let peer = rustix::net::sockopt::socket_peercred(stream)?;
    let pid = peer.pid.as_raw_nonzero().get().unsigned_abs();
    Ok((pid, peer.uid.as_raw()))
}

/// Other systems ask in other ways: see `credentials.rs` of `unix-server`.
#[cfg(not(target_os = "linux"))]
fn who_is(_: &UnixStream) -> io::Result<(u32, u32)> {
    Err(io::ErrorKind::Unsupported.into())
}
