//! From a name and a port to a connection.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Connects to `HOST:PORT`, trying each address of the host in turn, all within `timeout`.
///
/// # Errors
///
/// Those of `connect(2)` for the last address tried, those of looking up a name, or
/// [`ErrorKind::TimedOut`].
pub fn connect(address: &str, timeout: Duration) -> io::Result<TcpStream> {
    let started = Instant::now();
    let mut outcome = Err(ErrorKind::NotFound.into());
    for address in look_up(address, timeout)? {
        let left = timeout.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        outcome = connect_to(address, left);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn connect_to(address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, timeout)?;
    // A request is written whole, so there is nothing to wait for before it is sent: tcp(7).
    stream.set_nodelay(true)?;
    // Where nobody listens on a port that the system hands out to clients, it may hand out that
    // very port, and the socket is then connected to itself.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

/// A name is looked up by a thread that can be left behind: `getaddrinfo(3)` knows no deadline.
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
