//! From a name's addresses to one listening socket.

use crate::options;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

/// How many connections may wait to be accepted. The kernel caps this number at
/// `net.core.somaxconn`: `listen(2)`.
const BACKLOG: i32 = 4096;

/// Why an address cannot be listened on.
enum BindFailure {
    /// This machine has no such address, usually because it has no IPv6. The next address may work.
    NotHere(io::Error),
    /// The address is in use, or not permitted. The next address is not tried: the same name would
    /// then lead to two servers.
    Refused(io::Error),
}

/// Returns a non-blocking socket that is listening on the first of these addresses that this
/// machine has.
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
            Err(BindFailure::Refused(error)) => return Err(tell(address, error)),
            Err(BindFailure::NotHere(error)) => reasons.push(tell(address, error)),
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

fn on(address: SocketAddr) -> Result<Socket, BindFailure> {
    let socket = socket(address)?;
    set_up(&socket).map_err(BindFailure::Refused)?;
    socket
        .bind(&address.into())
        .map_err(|error| match error.kind() {
            ErrorKind::AddrNotAvailable => BindFailure::NotHere(error),
            _ => BindFailure::Refused(error),
        })?;
    // Two sockets may be bound to one address with SO_REUSEADDR; only one may listen on it.
    socket.listen(BACKLOG).map_err(BindFailure::Refused)?;
    Ok(socket)
}

fn socket(address: SocketAddr) -> Result<Socket, BindFailure> {
    let domain = Domain::for_address(address);
    Socket::new(domain, Type::STREAM, Some(Protocol::TCP)).map_err(|error| {
        // EAFNOSUPPORT: this system lacks the family, socket(2). Running out of descriptors is a
        // different problem.
        match family_is_missing(&error) {
            true => BindFailure::NotHere(error),
            false => BindFailure::Refused(error),
        }
    })
}

fn set_up(socket: &Socket) -> io::Result<()> {
    // On Unix: bind although connections of an earlier server are still in TIME-WAIT. On Windows
    // the option would let two servers share the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    options::set_to_be_inherited(socket);
    Ok(())
}

#[cfg(unix)]
fn family_is_missing(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        Errno::from_io_error(error),
        Some(Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT)
    )
}

#[cfg(not(unix))]
fn family_is_missing(error: &io::Error) -> bool {
    const WSAEAFNOSUPPORT: i32 = 10047;
    const WSAEPROTONOSUPPORT: i32 = 10043;
    matches!(
        error.raw_os_error(),
        Some(WSAEAFNOSUPPORT | WSAEPROTONOSUPPORT)
    )
}
