//! Looking up the addresses of a host name.

use std::io;
use std::net::ToSocketAddrs;

use crate::{AF_INET, AF_INET6, Address, AddressFamily};

/// One of a host's addresses, and the family of the socket that can use it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressInfo {
    /// The family for [`socket()`](crate::socket()).
    pub family: AddressFamily,
    /// The address for [`connect`](crate::Socket::connect) or [`bind`](crate::Socket::bind).
    pub address: Address,
}

/// Looks up a host and returns all its addresses, in the order in which to try them.
///
/// Python: `socket.getaddrinfo("localhost", 8000, type=socket.SOCK_STREAM)`; of each of its tuples,
/// this returns the first element and the last. C library: `getaddrinfo(3)`, which reads files and
/// asks name servers. That takes many system calls, and possibly seconds.
///
/// # Errors
///
/// The host name doesn't exist, or no name server answers (Python's `gaierror`). The error has no
/// errno; its text gives the reason.
///
/// # Examples
///
/// ```
/// use pocket_socket::{AF_INET, getaddrinfo};
///
/// # fn main() -> std::io::Result<()> {
/// let infos = getaddrinfo("127.0.0.1", 8000)?;
/// assert_eq!(infos[0].family, AF_INET);
/// assert_eq!(infos[0].address.to_string(), "127.0.0.1:8000");
/// # Ok(())
/// # }
/// ```
pub fn getaddrinfo(host: &str, port: u16) -> io::Result<Vec<AddressInfo>> {
    let info = |address: std::net::SocketAddr| AddressInfo {
        family: if address.is_ipv4() { AF_INET } else { AF_INET6 },
        address: address.into(),
    };
    Ok((host, port).to_socket_addrs()?.map(info).collect())
}
