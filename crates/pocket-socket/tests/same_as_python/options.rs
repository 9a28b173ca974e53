//! Options by their names, and values as the table writes them.

use std::io;
use std::time::Duration;

use pocket_socket::*;

use crate::words::{errno_name, seconds_of};

pub fn set(s: &Socket, name: &str, value: &str) -> io::Result<()> {
    let number = || value.parse::<u32>().unwrap();
    let seconds = || Duration::from_secs(number().into());
    match name {
        "SO_LINGER" if value == "off" => s.setsockopt(SOL_SOCKET, SO_LINGER, None),
        "SO_LINGER" => s.setsockopt(SOL_SOCKET, SO_LINGER, Some(seconds())),
        "SO_RCVTIMEO" => s.setsockopt(SOL_SOCKET, SO_RCVTIMEO, seconds_of(value)),
        "SO_SNDTIMEO" => s.setsockopt(SOL_SOCKET, SO_SNDTIMEO, seconds_of(value)),
        "SO_RCVBUF" => s.setsockopt(SOL_SOCKET, SO_RCVBUF, number() as usize),
        "SO_SNDBUF" => s.setsockopt(SOL_SOCKET, SO_SNDBUF, number() as usize),
        "SO_REUSEADDR" => s.setsockopt(SOL_SOCKET, SO_REUSEADDR, number() == 1),
        "SO_REUSEPORT" => s.setsockopt(SOL_SOCKET, SO_REUSEPORT, number() == 1),
        "SO_KEEPALIVE" => s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, number() == 1),
        "SO_BROADCAST" => s.setsockopt(SOL_SOCKET, SO_BROADCAST, number() == 1),
        "SO_OOBINLINE" => s.setsockopt(SOL_SOCKET, SO_OOBINLINE, number() == 1),
        "SO_PASSCRED" => s.setsockopt(SOL_SOCKET, SO_PASSCRED, number() == 1),
        "TCP_NODELAY" => s.setsockopt(IPPROTO_TCP, TCP_NODELAY, number() == 1),
        "TCP_CORK" => s.setsockopt(IPPROTO_TCP, TCP_CORK, number() == 1),
        "TCP_QUICKACK" => s.setsockopt(IPPROTO_TCP, TCP_QUICKACK, number() == 1),
        "TCP_MAXSEG" => s.setsockopt(IPPROTO_TCP, TCP_MAXSEG, number()),
        "TCP_KEEPIDLE" => s.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, seconds()),
        "TCP_KEEPINTVL" => s.setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, seconds()),
        "TCP_KEEPCNT" => s.setsockopt(IPPROTO_TCP, TCP_KEEPCNT, number()),
        "TCP_USER_TIMEOUT" => s.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, number()),
        "IP_TTL" => s.setsockopt(IPPROTO_IP, IP_TTL, number()),
        "IPV6_V6ONLY" => s.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, number() == 1),
        "IPV6_UNICAST_HOPS" => s.setsockopt(IPPROTO_IPV6, IPV6_UNICAST_HOPS, number()),
        _ => panic!("no such option to set: {name}"),
    }
}

pub fn get(s: &Socket, name: &str) -> io::Result<String> {
    let switch = |on: bool| u8::from(on).to_string();
    let seconds = |time: Duration| time.as_secs().to_string();
    let or_zero = |time: Option<Duration>| seconds(time.unwrap_or_default());
    Ok(match name {
        "SO_LINGER" => s
            .getsockopt(SOL_SOCKET, SO_LINGER)?
            .map_or("off".into(), seconds),
        "SO_RCVTIMEO" => or_zero(s.getsockopt(SOL_SOCKET, SO_RCVTIMEO)?),
        "SO_SNDTIMEO" => or_zero(s.getsockopt(SOL_SOCKET, SO_SNDTIMEO)?),
        "SO_RCVBUF" => s.getsockopt(SOL_SOCKET, SO_RCVBUF)?.to_string(),
        "SO_SNDBUF" => s.getsockopt(SOL_SOCKET, SO_SNDBUF)?.to_string(),
        "SO_REUSEADDR" => switch(s.getsockopt(SOL_SOCKET, SO_REUSEADDR)?),
        "SO_REUSEPORT" => switch(s.getsockopt(SOL_SOCKET, SO_REUSEPORT)?),
        "SO_KEEPALIVE" => switch(s.getsockopt(SOL_SOCKET, SO_KEEPALIVE)?),
        "SO_BROADCAST" => switch(s.getsockopt(SOL_SOCKET, SO_BROADCAST)?),
        "SO_OOBINLINE" => switch(s.getsockopt(SOL_SOCKET, SO_OOBINLINE)?),
        "SO_PASSCRED" => switch(s.getsockopt(SOL_SOCKET, SO_PASSCRED)?),
        "SO_ACCEPTCONN" => switch(s.getsockopt(SOL_SOCKET, SO_ACCEPTCONN)?),
        "SO_TYPE" => s.getsockopt(SOL_SOCKET, SO_TYPE)?.value().to_string(),
        "SO_DOMAIN" => s.getsockopt(SOL_SOCKET, SO_DOMAIN)?.value().to_string(),
        "SO_PROTOCOL" => s.getsockopt(SOL_SOCKET, SO_PROTOCOL)?.to_string(),
        "SO_ERROR" => s
            .getsockopt(SOL_SOCKET, SO_ERROR)?
            .map_or("0".into(), |error| {
                errno_name(error.raw_os_error().unwrap())
            }),
        "SO_PEERCRED" => credentials(s.getsockopt(SOL_SOCKET, SO_PEERCRED)?),
        "TCP_NODELAY" => switch(s.getsockopt(IPPROTO_TCP, TCP_NODELAY)?),
        "TCP_CORK" => switch(s.getsockopt(IPPROTO_TCP, TCP_CORK)?),
        "TCP_QUICKACK" => switch(s.getsockopt(IPPROTO_TCP, TCP_QUICKACK)?),
        "TCP_KEEPIDLE" => seconds(s.getsockopt(IPPROTO_TCP, TCP_KEEPIDLE)?),
        "TCP_KEEPINTVL" => seconds(s.getsockopt(IPPROTO_TCP, TCP_KEEPINTVL)?),
        "TCP_KEEPCNT" => s.getsockopt(IPPROTO_TCP, TCP_KEEPCNT)?.to_string(),
        "TCP_USER_TIMEOUT" => s.getsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT)?.to_string(),
        "IP_TTL" => s.getsockopt(IPPROTO_IP, IP_TTL)?.to_string(),
        "IPV6_V6ONLY" => switch(s.getsockopt(IPPROTO_IPV6, IPV6_V6ONLY)?),
        "IPV6_UNICAST_HOPS" => s.getsockopt(IPPROTO_IPV6, IPV6_UNICAST_HOPS)?.to_string(),
        _ => panic!("no such option to get: {name}"),
    })
}

pub fn credentials(peer: PeerCredentials) -> String {
    let (uid, gid) = (
        nix::unistd::geteuid().as_raw(),
        nix::unistd::getegid().as_raw(),
    );
    if (peer.pid, peer.uid, peer.gid) == (std::process::id().cast_signed(), uid, gid) {
        return "this process".into();
    }
    format!(
        "{} {} {}",
        peer.pid,
        peer.uid.cast_signed(),
        peer.gid.cast_signed()
    )
}
