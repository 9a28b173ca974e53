//! The options of `IPPROTO_TCP`; see `tcp(7)`.

#[cfg(any(target_os = "linux", target_os = "android"))]
use std::time::Duration;

#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::net::sockopt;
use socket2::Socket;

use crate::TcpLevel;
use crate::options::option;

option! {
    /// Sends small segments immediately, instead of holding them back until the peer has
    /// acknowledged earlier ones (turns off Nagle's algorithm). Python: 0 or 1.
    TCP_NODELAY: TcpLevel, bool, Socket::tcp_nodelay, Socket::set_tcp_nodelay
}
option! {
    /// The maximum segment size in bytes. Python: a number.
    #[cfg(unix)]
    TCP_MAXSEG: TcpLevel, u32, Socket::tcp_mss, Socket::set_tcp_mss
}
option! {
    /// With [`SO_KEEPALIVE`](crate::SO_KEEPALIVE): how long the connection must be idle before the
    /// first probe is sent, in whole seconds. Python: seconds.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    TCP_KEEPIDLE: TcpLevel, Duration,
    |s| Ok(sockopt::tcp_keepidle(s)?), |s, time| Ok(sockopt::set_tcp_keepidle(s, time)?)
}
option! {
    /// With [`SO_KEEPALIVE`](crate::SO_KEEPALIVE): the time between two probes, in whole seconds.
    /// Python: seconds.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    TCP_KEEPINTVL: TcpLevel, Duration,
    |s| Ok(sockopt::tcp_keepintvl(s)?), |s, time| Ok(sockopt::set_tcp_keepintvl(s, time)?)
}
option! {
    /// With [`SO_KEEPALIVE`](crate::SO_KEEPALIVE): after how many unanswered probes the system
    /// closes the connection. Python: a number.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    TCP_KEEPCNT: TcpLevel, u32,
    |s| Ok(sockopt::tcp_keepcnt(s)?), |s, count| Ok(sockopt::set_tcp_keepcnt(s, count)?)
}
option! {
    /// How long sent bytes may stay unacknowledged before the system closes the connection, in
    /// milliseconds. 0 means the system's default. Python: milliseconds.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    TCP_USER_TIMEOUT: TcpLevel, u32,
    |s| Ok(sockopt::tcp_user_timeout(s)?), |s, time| Ok(sockopt::set_tcp_user_timeout(s, time)?)
}
option! {
    /// Holds back a segment that isn't full until it is full, this option is cleared, or 200 ms
    /// have passed. Python: 0 or 1.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    TCP_CORK: TcpLevel, bool, Socket::tcp_cork, Socket::set_tcp_cork
}
option! {
    /// Makes the system acknowledge received segments immediately. The setting isn't permanent: the
    /// system may return to delayed acknowledgments by itself. Python: 0 or 1.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    TCP_QUICKACK: TcpLevel, bool, Socket::tcp_quickack, Socket::set_tcp_quickack
}
