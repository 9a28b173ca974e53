//! From a name to addresses.

use std::io;
use std::net::ToSocketAddrs;

use crate::{AF_INET, AF_INET6, Address, AddressFamily};

/// One of a name's addresses, and the family of the socket that can use it.
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
/// Python: `socket.getaddrinfo("localhost", 8000, type=socket.SOCK_STREAM)`, of whose tuples this
/// keeps the first and last elements · C library: `getaddrinfo(3)`, which reads files and asks name
/// servers: this takes many system calls, and perhaps seconds.
///
/// # Errors
///
/// The name is not known, or no name server answers (Python's `gaierror`): no errno; the text says
/// why.
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
