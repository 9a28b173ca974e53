//! The options of each connection: small replies must not be delayed, a peer that is gone must be
//! detected, and the kernel must not buffer too much for a peer that does not read.

use mio::net::TcpStream;
use socket2::{SockRef, Socket, TcpKeepalive};
use std::time::Duration;

/// A peer that has been silent for this long is probed.
const IDLE: Duration = Duration::from_secs(30);

/// The time between probes, …
const INTERVAL: Duration = Duration::from_secs(15);

/// … and the number of unanswered probes after which it counts as gone.
#[allow(dead_code, reason = "some systems have one number for all sockets")]
const PROBES: u32 = 3;

/// How long a peer may be unreachable before its connection ends: 75 s. Linux timers may be late by
/// an eighth, which makes it 85 s at most.
///
/// The same time applies while bytes are on their way to a silent peer, or are waiting for room on
/// its side; keepalive does nothing then. Linux uses this time instead of the number of probes, so
/// the probes must add up to the same time: `tcp(7)`, `TCP_USER_TIMEOUT`.
#[cfg(target_os = "linux")]
const GONE: Duration = Duration::from_secs(IDLE.as_secs() + PROBES as u64 * INTERVAL.as_secs());

/// The kernel accepts no more replies for a connection while it holds this many bytes unsent
/// (`TCP_NOTSENT_LOWAT`): as many as the server writes in one call. By default it would accept as
/// much as `net.ipv4.tcp_wmem` allows, 4 MiB or more.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 256 * 1024;

/// Sets the connections' options on the socket that will listen for them: on Linux an accepted
/// socket inherits them, and needs no system call of its own.
pub(crate) fn set_to_be_inherited(listener: &Socket) {
    set(&SockRef::from(listener));
}

/// Whether a connection has the options that its listener had when it arrived.
pub(crate) const ARE_INHERITED: bool = cfg!(target_os = "linux");

/// Sets the options on an accepted connection: on other systems, or if the client may have
/// connected before the listener had the options. The first client of an inherited listener usually
/// did, because the server was started for it.
pub(crate) fn set_on(stream: &TcpStream) {
    set(&SockRef::from(stream));
}

/// Ignores errors. An option cannot be set if the client has already gone, which the next read will
/// report, or if the kernel lacks it: serving without the option is better than not serving.
fn set(socket: &SockRef<'_>) {
    // Each write contains all replies that are ready: nothing is gained by holding it back until
    // the client acknowledges the previous one (Nagle's algorithm, tcp(7)).
    let _ = socket.set_tcp_nodelay(true);
    // ANCHOR: gone
    let keepalive = TcpKeepalive::new().with_time(IDLE);
    #[cfg(any(
        target_os = "android",
        target_os = "freebsd",
        target_os = "linux",
        target_os = "netbsd",
        target_vendor = "apple",
        windows
    ))]
    let keepalive = keepalive.with_interval(INTERVAL).with_retries(PROBES);
    let _ = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    {
        let _ = socket.set_tcp_user_timeout(Some(GONE));
        // ANCHOR_END: gone
        let _ = socket.set_tcp_notsent_lowat(UNSENT);
    }
}
