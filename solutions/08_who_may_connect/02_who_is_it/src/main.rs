//! Tells each client its process and user, as the kernel knows them; serves only its own user.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use rustix::process::geteuid;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: sol-08-02 PATH");
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
    Ok(())
}

// ANCHOR: serve
/// Replies to each line with the peer's process and user; closes any other user's connection.
fn serve(mut stream: &UnixStream) -> io::Result<()> {
    let (pid, uid) = who_is(stream)?;
    if uid != geteuid().as_raw() || is_nobody(uid) {
        return Err(io::Error::other(format!("uid {uid} is not served")));
    }
    for line in BufReader::new(stream).split(b'\n') {
        let _ = writeln!(io::stderr(), "it says: {}", line?.escape_ascii());
        writeln!(stream, "pid={pid} uid={uid}")?;
    }
    Ok(())
}
// ANCHOR_END: serve

// ANCHOR: who_is
/// The peer's process and user, as the kernel recorded them when the peer connected.
#[cfg(target_os = "linux")]
fn who_is(stream: &UnixStream) -> io::Result<(u32, u32)> {
    let peer = rustix::net::sockopt::socket_peercred(stream)?;
    let pid = peer.pid.as_raw_nonzero().get().unsigned_abs();
    Ok((pid, peer.uid.as_raw()))
}
// ANCHOR_END: who_is

// ANCHOR: is_nobody
/// Whether this number may be anybody's. A user namespace that does not know all users shows all the
/// others as one: `user_namespaces(7)`.
#[cfg(target_os = "linux")]
fn is_nobody(uid: u32) -> bool {
    const ALL: [&str; 3] = ["0", "0", "4294967295"]; // each user, under its own number
    let known = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let overflow = std::fs::read_to_string("/proc/sys/kernel/overflowuid");
    let overflow = overflow.unwrap_or("65534".into());
    !known.split_whitespace().eq(ALL) && overflow.trim() == uid.to_string()
}
// ANCHOR_END: is_nobody

/// Other systems have no user namespaces.
#[cfg(not(target_os = "linux"))]
fn is_nobody(_: u32) -> bool {
    false
}

/// Other systems ask in other ways: see `credentials.rs` of `unix-server`.
#[cfg(not(target_os = "linux"))]
fn who_is(_: &UnixStream) -> io::Result<(u32, u32)> {
    Err(io::ErrorKind::Unsupported.into())
}
