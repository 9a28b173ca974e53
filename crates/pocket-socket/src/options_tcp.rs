//! The options of `IPPROTO_TCP`; see `tcp(7)`.

#[cfg(any(target_os = "linux", target_os = "android"))]
use std::time::Duration;

#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::net::sockopt;
use socket2::Socket;

use crate::TcpLevel;
use crate::options::option;

option! {
    /// Sends small segments at once, without waiting for the peer to acknowledge the last one.
    /// Python: 0 or 1.
    TCP_NODELAY: TcpLevel, bool, Socket::tcp_nodelay, Socket::set_tcp_nodelay
}
option! {
    /// The largest segment in bytes. Python: a number.
    #[cfg(unix)]
    TCP_MAXSEG: TcpLevel, u32, Socket::tcp_mss, Socket::set_tcp_mss
}
option! {
    /// With [`SO_KEEPALIVE`](crate::SO_KEEPALIVE): the silence before the first probe, in whole
    /// seconds. Python: seconds.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    TCP_KEEPIDLE: TcpLevel, Duration,
    |s| Ok(sockopt::tcp_keepidle(s)?), |s, time| Ok(sockopt::set_tcp_keepidle(s, time)?)
}
option! {
    /// With [`SO_KEEPALIVE`](crate::SO_KEEPALIVE): the time from probe to probe, in whole seconds.
    /// Python: seconds.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    TCP_KEEPINTVL: TcpLevel, Duration,
    |s| Ok(sockopt::tcp_keepintvl(s)?), |s, time| Ok(sockopt::set_tcp_keepintvl(s, time)?)
}
option! {
    /// With [`SO_KEEPALIVE`](crate::SO_KEEPALIVE): the number of unanswered probes that ends the
    /// connection. Python: a number.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    TCP_KEEPCNT: TcpLevel, u32,
    |s| Ok(sockopt::tcp_keepcnt(s)?), |s, count| Ok(sockopt::set_tcp_keepcnt(s, count)?)
}
option! {
    /// How long sent bytes may stay unacknowledged before the connection ends, in milliseconds;
    /// 0: the system decides. Python: milliseconds.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    TCP_USER_TIMEOUT: TcpLevel, u32,
    |s| Ok(sockopt::tcp_user_timeout(s)?), |s, time| Ok(sockopt::set_tcp_user_timeout(s, time)?)
}
option! {
    /// Holds small segments back until there is a full one, or 200 ms have passed. Python: 0 or 1.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    TCP_CORK: TcpLevel, bool, Socket::tcp_cork, Socket::set_tcp_cork
}
option! {
    /// Acknowledges at once; the system may fall back to waiting. Python: 0 or 1.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    TCP_QUICKACK: TcpLevel, bool, Socket::tcp_quickack, Socket::set_tcp_quickack
}
