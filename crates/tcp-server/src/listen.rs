//! From a name's addresses to one socket that listens.

use crate::options;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

/// Connections that the kernel completes ahead of `accept`; it takes no more than
/// `net.core.somaxconn`, see `listen(2)`.
const BACKLOG: i32 = 4096;

/// Why an address cannot be listened on.
enum Refusal {
    /// This machine has no such address: it has no IPv6, mostly. The next one may do.
    NotHere(io::Error),
    /// It is in use, or may not be used. The next one would be another server at the same name.
    Refused(io::Error),
}

/// Listens on the first of a name's addresses that this machine has. Non-blocking.
pub(crate) fn on_first(addresses: &[SocketAddr]) -> io::Result<Socket> {
    let name_has_several = addresses.len() > 1;
    let tell = |address: SocketAddr, error: io::Error| match name_has_several {
        true => io::Error::new(error.kind(), format!("{address}: {error}")),
        false => error,
    };
    let mut reasons = Vec::new();
    for &address in addresses {
        match on(address) {
            Ok(socket) => return Ok(socket),
            Err(Refusal::Refused(error)) => return Err(tell(address, error)),
            Err(Refusal::NotHere(error)) => reasons.push(tell(address, error)),
        }
    }
    match &reasons[..] {
        [] => Err(io::Error::new(
            ErrorKind::NotFound,
            "the name has no address",
        )),
        [_] => Err(reasons.remove(0)),
        all => {
            let all: Vec<String> = all.iter().map(io::Error::to_string).collect();
            Err(io::Error::new(ErrorKind::AddrNotAvailable, all.join(", ")))
        }
    }
}

fn on(address: SocketAddr) -> Result<Socket, Refusal> {
    let socket = socket(address)?;
    set_up(&socket).map_err(Refusal::Refused)?;
    socket
        .bind(&address.into())
        .map_err(|error| match error.kind() {
            ErrorKind::AddrNotAvailable => Refusal::NotHere(error),
            _ => Refusal::Refused(error),
        })?;
    // Two sockets may be bound to one address with SO_REUSEADDR; only one may listen there.
    socket.listen(BACKLOG).map_err(Refusal::Refused)?;
    Ok(socket)
}

fn socket(address: SocketAddr) -> Result<Socket, Refusal> {
    let domain = Domain::for_address(address);
    Socket::new(domain, Type::STREAM, Some(Protocol::TCP)).map_err(|error| {
        // EAFNOSUPPORT: the family is not here, socket(2). No descriptor is another matter.
        match is_of_the_family(&error) {
            true => Refusal::NotHere(error),
            false => Refusal::Refused(error),
        }
    })
}

fn set_up(socket: &Socket) -> io::Result<()> {
    // On Unix: bind although connections of a server before this one are still in TIME-WAIT. On
    // Windows the option would let two servers share the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    options::set_to_be_inherited(socket);
    Ok(())
}

#[cfg(unix)]
fn is_of_the_family(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        Errno::from_io_error(error),
        Some(Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT)
    )
}

#[cfg(not(unix))]
fn is_of_the_family(error: &io::Error) -> bool {
    const WSAEAFNOSUPPORT: i32 = 10047;
    const WSAEPROTONOSUPPORT: i32 = 10043;
    matches!(
        error.raw_os_error(),
        Some(WSAEAFNOSUPPORT | WSAEPROTONOSUPPORT)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    /// An address for documentation, which no machine has: RFC 5737.
    fn not_here() -> SocketAddr {
        (Ipv4Addr::new(192, 0, 2, 1), 0).into()
    }

    fn here() -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 0).into()
    }

    #[test]
    fn an_address_that_this_machine_has_not_is_passed_over() {
        let socket = on_first(&[not_here(), here()]).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        assert!(address.ip().is_loopback());
    }

    #[test]
    fn of_two_servers_at_one_name_the_second_is_refused() {
        let first = TcpListener::bind(here()).unwrap();
        let in_use = first.local_addr().unwrap();
        // Whether the name's other addresses stand before it or behind it.
        for addresses in [
            vec![in_use],
            vec![in_use, here()],
            vec![not_here(), in_use, here()],
        ] {
            let error = on_first(&addresses).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error}");
            let names_it = error.to_string().contains(&in_use.to_string());
            assert_eq!(names_it, addresses.len() > 1, "{error}");
        }
    }

    #[test]
    fn if_none_is_here_each_is_named() {
        let other = (Ipv4Addr::new(198, 51, 100, 1), 0).into();
        let error = on_first(&[not_here(), other]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
        for address in ["192.0.2.1:0: ", "198.51.100.1:0: "] {
            assert!(error.to_string().contains(address), "{error}");
        }
        let error = on_first(&[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
