//! From a name and a port to a connection.

use crate::attempts::Attempts;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long an attempt may be pending before the next address is tried as well, as in RFC 8305.
const APART: Duration = Duration::from_millis(250);

/// The longest single wait: pollers count milliseconds in 32 bits.
const LONG: Duration = Duration::from_secs(60 * 60);

/// Connects to `HOST:PORT` within `timeout`, which includes the time to look up the name.
///
/// If the name has several addresses, they are tried as in [`connect_to_any`].
///
/// # Errors
///
/// See [`ConnectError`].
pub fn connect(address: &str, timeout: Duration) -> Result<TcpStream, ConnectError> {
    let started = Instant::now();
    let addresses = look_up(address, timeout).map_err(ConnectError::LookUp)?;
    connect_to_any(&addresses, timeout.saturating_sub(started.elapsed()))
}

/// Connects to one of several addresses, all within `timeout`. `TCP_NODELAY` (`tcp(7)`) is set on
/// the connection, so small messages are sent immediately.
///
/// The addresses are tried in order. The next address is tried when the previous attempt has
/// failed, or has been pending for 250 ms (less if the timeout would otherwise pass before the last
/// address is tried). Pending attempts continue meanwhile. The first connection that succeeds is
/// returned, and all other attempts are closed.
///
/// # Errors
///
/// [`ConnectError::Unreachable`] names each address and the reason why it could not be connected
/// to.
pub fn connect_to_any(
    addresses: &[SocketAddr],
    timeout: Duration,
) -> Result<TcpStream, ConnectError> {
    let started = Instant::now();
    let mut untried = Vec::new(); // the next one last
    for address in addresses.iter().rev() {
        // A name may have an address twice.
        untried.retain(|later| later != address);
        untried.push(*address);
    }
    // ANCHOR: tried
    let all = u32::try_from(untried.len()).unwrap_or(u32::MAX);
    let apart = APART.min(timeout / all.saturating_add(1));
    let mut attempts = Attempts::new().map_err(ConnectError::System)?;
    loop {
        match untried.pop() {
            Some(address) if !attempts.begin(address) => continue,
            None if attempts.none_is_pending() => return Err(attempts.give_up(&untried)),
            _ => {}
        }
        let left = timeout.saturating_sub(started.elapsed());
        let patience = if untried.is_empty() { LONG } else { apart };
        let connected = attempts.wait(left.min(patience));
        if let Some(stream) = connected.map_err(ConnectError::System)? {
            return Ok(stream);
        }
        if started.elapsed() >= timeout {
            return Err(attempts.give_up(&untried));
        }
    }
    // ANCHOR_END: tried
}

/// Looks up a name in a thread that can be left behind: `getaddrinfo(3)` has no deadline, and
/// cannot be stopped. The thread ends when the resolver gives up.
fn look_up(address: &str, timeout: Duration) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = address.parse() {
        return Ok(vec![address]);
    }
    let (found, answer) = mpsc::channel();
    let address = address.to_owned();
    thread::Builder::new().spawn(move || {
        let _ = found.send(address.to_socket_addrs().map(Iterator::collect));
    })?;
    answer
        .recv_timeout(timeout)
        .unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

/// The reason why there is no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name could not be looked up. The error's kind is [`ErrorKind::TimedOut`] if the lookup
    /// took too long.
    LookUp(io::Error),
    /// Each address, in the order of the attempts, and why there is no connection to it:
    /// [`ErrorKind::TimedOut`] if it did not answer, or was not tried before the timeout; otherwise
    /// an error of `connect(2)`. The list is empty if the name has no address.
    Unreachable(Vec<(SocketAddr, io::Error)>),
    /// The system lacks a resource that is needed to wait for the attempts, usually a descriptor.
    System(io::Error),
}

impl ConnectError {
    /// Returns the kind of the most telling error. A timeout tells most, because a server may be
    /// there but not answering. Next is a refusal: nothing is listening at that address. An error
    /// because this machine has no IPv6 (or IPv4) tells least, because it says nothing about the
    /// server.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            ConnectError::LookUp(error) | ConnectError::System(error) => error.kind(),
            ConnectError::Unreachable(reasons) => {
                let kinds = reasons.iter().map(|(_, reason)| reason.kind());
                kinds
                    .min_by_key(|kind| match kind {
                        ErrorKind::TimedOut => 0,
                        ErrorKind::ConnectionRefused => 1,
                        ErrorKind::PermissionDenied => 2,
                        ErrorKind::AddrNotAvailable | ErrorKind::NetworkUnreachable => 4,
                        _ => 3,
                    })
                    .unwrap_or(ErrorKind::NotFound)
            }
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::LookUp(error) | ConnectError::System(error) => error.fmt(f),
            ConnectError::Unreachable(reasons) if reasons.is_empty() => {
                write!(f, "the name has no address")
            }
            ConnectError::Unreachable(reasons) => {
                for (at, (address, reason)) in reasons.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{address}: {reason}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ConnectError::LookUp(error) | ConnectError::System(error) => error.source(),
            ConnectError::Unreachable(_) => None,
        }
    }
}

impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::LookUp(error) | ConnectError::System(error) => error,
            unreachable @ ConnectError::Unreachable(_) => {
                io::Error::new(unreachable.kind(), unreachable)
            }
        }
    }
}
