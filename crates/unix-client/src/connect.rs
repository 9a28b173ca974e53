//! From a path to a connection, and who is at the other end.

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Connects to the socket at `path` within `timeout`. What limits the wait is the socket's write
/// timeout (`SO_SNDTIMEO`, `unix(7)`), which stays set on the connection: it is what was left of
/// `timeout` when the wait began.
///
/// This does not look who is listening: see [`check_server`](crate::check_server).
///
/// # Errors
///
/// Those of `connect(2)`. [`io::ErrorKind::WouldBlock`] (`EAGAIN`) or [`io::ErrorKind::TimedOut`]
/// means that the server's backlog was full until the time had passed. A system that does not wait
/// for room in the backlog refuses the connection instead ([`io::ErrorKind::ConnectionRefused`]).
pub fn connect(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path)?;
    let socket = new_socket()?;
    let started = Instant::now();
    loop {
        let left = timeout.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // unix(7) waits for room in the backlog no longer than a write may wait.
        set_socket_timeout(&socket, Timeout::Send, Some(left))?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) => return Ok(UnixStream::from(socket)),
            // A stop (Ctrl-Z) ends a wait that has a timeout: signal(7).
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(not(target_vendor = "apple"))]
fn new_socket() -> io::Result<OwnedFd> {
    use rustix::net::{SocketFlags, socket_with};
    let flags = SocketFlags::CLOEXEC;
    Ok(socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        flags,
        None,
    )?)
}

#[cfg(target_vendor = "apple")]
fn new_socket() -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::ioctl_fioclex(&socket)?;
    rustix::net::sockopt::set_socket_nosigpipe(&socket, true)?;
    Ok(socket)
}

/// Returns the user that the server runs as: the kernel recorded it when the server began to
/// listen, and no message can change it (`SO_PEERCRED` in `unix(7)`).
///
/// # Errors
///
/// Those of `getsockopt(2)`.
// ANCHOR: server_uid
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn server_uid(stream: &UnixStream) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw())
}
// ANCHOR_END: server_uid

/// Returns the user that the server runs as: the kernel recorded it when the server began to
/// listen, and no message can change it (`getpeereid(3)`).
///
/// # Errors
///
/// Those of `getpeereid(3)`.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn server_uid(stream: &UnixStream) -> io::Result<u32> {
    Ok(nix::unistd::getpeereid(stream)?.0.as_raw())
}
