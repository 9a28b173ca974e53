//! Constants by their names, as numbers.

use pocket_socket::*;

macro_rules! numbers {
    ($name:expr, $($number:ident => [$($constant:ident)*],)*) => {
        match $name {
            $($(stringify!($constant) => i64::from($constant.$number()),)*)*
            "SOL_SOCKET" => level(SOL_SOCKET),
            "IPPROTO_IP" => level(IPPROTO_IP),
            "IPPROTO_IPV6" => level(IPPROTO_IPV6),
            "IPPROTO_TCP" => level(IPPROTO_TCP),
            // std numbers its `Shutdown` otherwise; strace shows what the system is told.
            "SHUT_RD" => shutdown(SHUT_RD),
            "SHUT_WR" => shutdown(SHUT_WR),
            "SHUT_RDWR" => shutdown(SHUT_RDWR),
            "SOMAXCONN" => SOMAXCONN.into(),
            name => panic!("no such constant: {name}"),
        }
    };
}

pub fn value(name: &str) -> i64 {
    numbers! { name,
        value => [
            AF_INET AF_INET6 AF_UNIX
            SOCK_STREAM SOCK_DGRAM SOCK_SEQPACKET SOCK_RAW SOCK_NONBLOCK SOCK_CLOEXEC
            IPPROTO_UDP IPPROTO_ICMP IPPROTO_ICMPV6
            SO_REUSEADDR SO_REUSEPORT SO_KEEPALIVE SO_BROADCAST SO_OOBINLINE SO_LINGER
            SO_RCVBUF SO_SNDBUF SO_RCVTIMEO SO_SNDTIMEO SO_ERROR SO_TYPE SO_ACCEPTCONN
            SO_DOMAIN SO_PROTOCOL SO_PASSCRED SO_PEERCRED
            TCP_NODELAY TCP_MAXSEG TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT TCP_USER_TIMEOUT
            TCP_CORK TCP_QUICKACK
            IP_TTL IPV6_V6ONLY IPV6_UNICAST_HOPS
        ],
        bits => [
            MSG_PEEK MSG_WAITALL MSG_OOB MSG_DONTWAIT MSG_NOSIGNAL MSG_MORE MSG_EOR MSG_TRUNC
            MSG_CTRUNC
        ],
    }
}

fn level<L: Level>(_: L) -> i64 {
    L::VALUE.into()
}

fn shutdown(how: std::net::Shutdown) -> i64 {
    match how {
        std::net::Shutdown::Read => 0,
        std::net::Shutdown::Write => 1,
        std::net::Shutdown::Both => 2,
    }
}
