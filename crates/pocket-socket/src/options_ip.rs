//! The options of `IPPROTO_IP` and `IPPROTO_IPV6`; see `ip(7)`, `ipv6(7)`.

use socket2::Socket;

use crate::options::option;
use crate::{IpLevel, Ipv6Level};

option! {
    /// The time to live of the IPv4 packets sent: each router on the way decrements it, and drops
    /// the packet when it reaches 0. Python: a number.
    IP_TTL: IpLevel, u32, Socket::ttl_v4, Socket::set_ttl_v4
}
option! {
    /// Restricts an `AF_INET6` socket to IPv6. Without this option, the socket serves IPv4, too;
    /// the addresses of IPv4 peers then look like `::ffff:127.0.0.1`. Python: 0 or 1.
    IPV6_V6ONLY: Ipv6Level, bool, Socket::only_v6, Socket::set_only_v6
}
option! {
    /// The hop limit of the IPv6 packets sent: each router on the way decrements it, and drops the
    /// packet when it reaches 0. Python: a number.
    IPV6_UNICAST_HOPS: Ipv6Level, u32, Socket::unicast_hops_v6, Socket::set_unicast_hops_v6
}
