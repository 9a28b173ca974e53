//! Protocols, for the kinds of socket that have more than one.

use std::fmt;

use crate::{IpLevel, Ipv6Level, TcpLevel};

/// A protocol for [`socket_with`](crate::socket_with). Python: a number; see `socket(2)`,
/// `protocols(5)`.
///
/// Each `IPPROTO_` constant can be used as one, and so can a number: 0 is the default protocol of
/// the family and kind, and any other number is the system's number for a protocol.
///
/// # Examples
///
/// ```
/// use pocket_socket::{IPPROTO_TCP, IPPROTO_UDP, Protocol};
/// assert_eq!(IPPROTO_UDP, Protocol::from(17)); // on every system
/// assert_eq!(Protocol::from(IPPROTO_TCP), Protocol::from(6));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Protocol(pub(crate) socket2::Protocol);

/// UDP. Python: `socket.IPPROTO_UDP`; see `udp(7)`.
pub const IPPROTO_UDP: Protocol = Protocol(socket2::Protocol::UDP);
/// ICMP, the protocol of `ping`. It needs [`SOCK_RAW`](crate::SOCK_RAW), or
/// [`SOCK_DGRAM`](crate::SOCK_DGRAM) where the system allows that. Python: `socket.IPPROTO_ICMP`;
/// see `icmp(7)`.
pub const IPPROTO_ICMP: Protocol = Protocol(socket2::Protocol::ICMPV4);
/// ICMP for IPv6. Python: `socket.IPPROTO_ICMPV6`.
pub const IPPROTO_ICMPV6: Protocol = Protocol(socket2::Protocol::ICMPV6);

impl Protocol {
    /// Returns the number by which the system knows this protocol. Python: `socket.IPPROTO_UDP`.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(pocket_socket::IPPROTO_UDP.value(), 17);
    /// ```
    pub fn value(self) -> i32 {
        self.0.into()
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protocol({})", self.value())
    }
}

impl From<i32> for Protocol {
    fn from(number: i32) -> Protocol {
        Protocol(number.into())
    }
}

impl From<IpLevel> for Protocol {
    fn from(_: IpLevel) -> Protocol {
        Protocol::from(0)
    }
}

impl From<Ipv6Level> for Protocol {
    fn from(_: Ipv6Level) -> Protocol {
        Protocol::from(41)
    }
}

impl From<TcpLevel> for Protocol {
    fn from(_: TcpLevel) -> Protocol {
        Protocol(socket2::Protocol::TCP)
    }
}
