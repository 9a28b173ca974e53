//! The options of `SOL_SOCKET`; see `socket(7)`, `unix(7)`.

use std::io;
use std::time::Duration;

use socket2::Socket;

use crate::options::option;
use crate::{SocketKind, SocketLevel};

option! {
    /// Allows `bind` to a port while the system still remembers closed connections of an earlier
    /// server on it (TIME-WAIT). On Windows the option lets two servers share a port: don't set it
    /// there. Python: 0 or 1.
    SO_REUSEADDR: SocketLevel, bool, Socket::reuse_address, Socket::set_reuse_address
}
option! {
    /// Lets several sockets bind to one address, if all of them have this option. Connections or
    /// datagrams that arrive there are distributed among the sockets. Python: 0 or 1.
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
    SO_REUSEPORT: SocketLevel, bool, Socket::reuse_port, Socket::set_reuse_port
}
option! {
    /// Makes TCP send probes over an idle connection, to find out whether the peer is still there.
    /// Python: 0 or 1.
    SO_KEEPALIVE: SocketLevel, bool, Socket::keepalive, Socket::set_keepalive
}
option! {
    /// Allows datagrams to a broadcast address. Python: 0 or 1.
    SO_BROADCAST: SocketLevel, bool, Socket::broadcast, Socket::set_broadcast
}
option! {
    /// Receives TCP's urgent byte in the normal stream of bytes ([`MSG_OOB`](crate::MSG_OOB)).
    /// Python: 0 or 1.
    SO_OOBINLINE: SocketLevel, bool, Socket::out_of_band_inline, Socket::set_out_of_band_inline
}
option! {
    /// How long [`close`](crate::Socket::close) waits for the peer to acknowledge the bytes already
    /// sent, in whole seconds. With zero, closing a TCP connection resets it. Python:
    /// `struct.pack("ii", 1, seconds)`.
    SO_LINGER: SocketLevel, Option<Duration>, Socket::linger, |s, time| {
        s.set_linger(time.map(seconds_that_fit).transpose()?)
    }
}
option! {
    /// The size of the receive buffer in bytes. Linux doubles the value that is set, and reports
    /// the doubled value. Python: a number.
    SO_RCVBUF: SocketLevel, usize, Socket::recv_buffer_size,
    |s, size| s.set_recv_buffer_size(size_that_fits(size)?)
}
option! {
    /// The size of the send buffer in bytes. Linux doubles the value that is set, and reports the
    /// doubled value. Python: a number.
    SO_SNDBUF: SocketLevel, usize, Socket::send_buffer_size,
    |s, size| s.set_send_buffer_size(size_that_fits(size)?)
}
option! {
    /// The system's own timeout for receiving on a blocking socket. A call that times out fails
    /// with `EAGAIN`. `None` means no timeout. [`settimeout`](crate::Socket::settimeout) doesn't
    /// use this option. Python: `struct.pack("ll", seconds, microseconds)`.
    SO_RCVTIMEO: SocketLevel, Option<Duration>, Socket::read_timeout, Socket::set_read_timeout
}
option! {
    /// The system's own timeout for sending on a blocking socket, otherwise like [`SO_RCVTIMEO`].
    SO_SNDTIMEO: SocketLevel, Option<Duration>, Socket::write_timeout, Socket::set_write_timeout
}
option! {
    /// The socket's pending error, if it has one. Reading the option clears the error. Python: an
    /// errno, or 0.
    SO_ERROR: SocketLevel, Option<io::Error>, Socket::take_error
}
option! {
    /// The kind that the socket was created with. Python: a number.
    SO_TYPE: SocketLevel, SocketKind, |socket| socket.r#type().map(SocketKind)
}
option! {
    /// Whether the socket is listening. Python: 0 or 1.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    SO_ACCEPTCONN: SocketLevel, bool, Socket::is_listener
}
option! {
    /// The family that the socket was created with. Python: a number.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    SO_DOMAIN: SocketLevel, crate::AddressFamily, |s| s.domain().map(crate::AddressFamily)
}
option! {
    /// The number of the socket's protocol; 0 if the socket has none. Python: a number.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    SO_PROTOCOL: SocketLevel, i32, |s| Ok(s.protocol()?.map_or(0, i32::from))
}
option! {
    /// On a Unix socket, makes each message received carry its sender's credentials
    /// ([`ScmCredentials`](crate::RecvAncillary::ScmCredentials)). Python: 0 or 1.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    SO_PASSCRED: SocketLevel, bool, Socket::passcred, Socket::set_passcred
}
option! {
    /// On a Unix socket, the credentials of the peer process. A server gets those that its client had
    /// when it called `connect`; a client gets those that the server had when it called `listen`.
    /// Python: 12 bytes, `struct.unpack("3i", ...)`.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    SO_PEERCRED: SocketLevel, PeerCredentials, peer_credentials
}

/// Refuses a size that doesn't fit into an `i32`: it would silently be cut to a different number.
fn size_that_fits(size: usize) -> io::Result<usize> {
    match i32::try_from(size) {
        Ok(_) => Ok(size),
        Err(_) => Err(too_large(&format!("a buffer of {size} bytes"))),
    }
}

/// Refuses a time of more seconds than the system can represent: cut to zero, it would make `close`
/// reset the connection.
fn seconds_that_fit(time: Duration) -> io::Result<Duration> {
    let largest = if cfg!(windows) {
        u64::from(u16::MAX)
    } else {
        u64::from(i32::MAX.unsigned_abs())
    };
    if time.as_secs() > largest {
        return Err(too_large(&format!("lingering for {time:?}")));
    }
    Ok(time)
}

fn too_large(what: &str) -> io::Error {
    let message = format!("{what}: more than the system can count");
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// The credentials of a process. As the value of [`SO_PEERCRED`], those of the process at the other
/// end of a Unix socket, at the time when it called `connect`, `listen` or `socketpair`. With a
/// received message, those of the process that sent it. See `unix(7)`.
///
/// # Examples
///
/// ```
/// use pocket_socket::{AF_UNIX, SO_PEERCRED, SOCK_STREAM, SOL_SOCKET, socketpair};
///
/// # fn main() -> std::io::Result<()> {
/// let (a, _b) = socketpair(AF_UNIX, SOCK_STREAM)?;
/// let peer = a.getsockopt(SOL_SOCKET, SO_PEERCRED)?;
/// assert_eq!(peer.pid, i32::try_from(std::process::id()).unwrap());
/// # Ok(())
/// # }
/// ```
#[cfg(any(target_os = "linux", target_os = "android"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerCredentials {
    /// The process ID. It is 0 if there is no peer, or if this process's PID namespace doesn't show
    /// the peer. The peer may have exited since, and its ID may now belong to another process.
    pub pid: i32,
    /// The process's effective user; `u32::MAX` if there is no peer.
    pub uid: u32,
    /// The process's effective group; `u32::MAX` if there is no peer.
    pub gid: u32,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn peer_credentials(socket: &Socket) -> io::Result<PeerCredentials> {
    // rustix can't be used here: its process number cannot be 0.
    let peer = nix::sys::socket::getsockopt(socket, nix::sys::socket::sockopt::PeerCredentials)?;
    Ok(PeerCredentials {
        pid: peer.pid(),
        uid: peer.uid(),
        gid: peer.gid(),
    })
}
