//! Caught by: names_the_peer, another_user_is_refused, what_the_message_claims_is_ignored
//! Told: That is not who connected.
//!
//! Asks for the credentials of the listening socket, which are its own.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use rustix::process::geteuid;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: PATH");
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&listener, &stream)) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}

/// Answers each line with the peer's process and user; another user's connection ends at once.
fn serve(listener: &UnixListener, mut stream: &UnixStream) -> io::Result<()> {
    let (pid, uid) = who_is(listener)?;
    if uid != geteuid().as_raw() {
        return Err(io::Error::other(format!("uid {uid} is not served")));
    }
    for line in BufReader::new(stream).lines() {
        eprintln!("it says: {}", line?.escape_debug());
        writeln!(stream, "pid={pid} uid={uid}")?;
    }
    Ok(())
}

/// The process and the user at the other end, as the kernel noted them when they connected.
#[cfg(target_os = "linux")]
fn who_is(stream: &UnixListener) -> io::Result<(u32, u32)> {
    let peer = rustix::net::sockopt::socket_peercred(stream)?;
    let pid = peer.pid.as_raw_nonzero().get().unsigned_abs();
    Ok((pid, peer.uid.as_raw()))
}

/// Other systems ask in other ways: see `credentials.rs` of `unix-server`.
#[cfg(not(target_os = "linux"))]
fn who_is(_: &UnixListener) -> io::Result<(u32, u32)> {
    Err(io::ErrorKind::Unsupported.into())
}
