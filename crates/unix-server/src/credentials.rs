//! Who is at the other end of a Unix socket, as the kernel recorded it when the client connected.

use rustix::process::geteuid;
use shared_proto::is_nobody;
use std::fmt;
use std::io;
use std::os::fd::AsFd;

/// A process, its user and its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// The process ID; 0 if the process is in a PID namespace that this process cannot see
    /// (`pid_namespaces(7)`).
    pub pid: i32,
    /// The process's effective user.
    pub uid: u32,
    /// The process's effective group.
    pub gid: u32,
}

/// Returns the credentials of the peer of a connected stream socket: `SO_PEERCRED`, see `unix(7)`.
///
/// # Errors
///
/// Those of `getsockopt(2)`.
// ANCHOR: linux
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn peer_credentials(socket: &impl AsFd) -> io::Result<Credentials> {
    use nix::sys::socket::{getsockopt, sockopt};
    let peer = getsockopt(&socket.as_fd(), sockopt::PeerCredentials)?;
    Ok(Credentials {
        pid: peer.pid(),
        uid: peer.uid(),
        gid: peer.gid(),
    })
}
// ANCHOR_END: linux

/// Returns the credentials of the peer of a connected stream socket: `getpeereid(3)`, and
/// `LOCAL_PEERPID` where the system has it.
///
/// # Errors
///
/// Those of the system calls.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn peer_credentials(socket: &impl AsFd) -> io::Result<Credentials> {
    let (uid, gid) = nix::unistd::getpeereid(socket.as_fd())?;
    #[cfg(target_vendor = "apple")]
    let pid =
        nix::sys::socket::getsockopt(&socket.as_fd(), nix::sys::socket::sockopt::LocalPeerPid)?;
    #[cfg(not(target_vendor = "apple"))]
    let pid = 0;
    Ok(Credentials {
        pid,
        uid: uid.as_raw(),
        gid: gid.as_raw(),
    })
}

/// Returns this process's effective user, which a server serves by default.
///
/// # Errors
///
/// [`NoName`] if the uid may stand for other users as well, because this process's user namespace
/// does not map its user (`user_namespaces(7)`).
pub fn own_uid() -> Result<u32, NoName> {
    match geteuid().as_raw() {
        uid if is_nobody(uid) => Err(NoName { uid }),
        uid => Ok(uid),
    }
}

/// The reason why the server's own user is not served by default: its uid may stand for other users
/// as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoName {
    uid: u32,
}

impl fmt::Display for NoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot tell which user the server runs as: uid {} stands for every user that is not \
             mapped in this user namespace; start the server as a user that is, or name the users \
             to serve with --allow-uid",
            self.uid
        )
    }
}

impl std::error::Error for NoName {}
