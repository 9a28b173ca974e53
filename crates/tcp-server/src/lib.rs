//! What only TCP needs: addresses with a port, and small replies that must not be delayed.
//!
//! The rest of the server is in `shared-server`. `cargo test -p pair-tests --test tcp` tests what
//! the program promises, `--test steps` what its steps have in common.
//!
//! # TLS
//!
//! With the feature `tls`, which is off by default, `TlsTransport` replaces [`TcpTransport`], and
//! the program has `--tls-cert`, `--tls-key` and `--tls-client-ca`. All of it is in `tls.rs` and
//! `tls/`; the engine knows nothing about it.
//!
//! # The steps on the way
//!
//! The chapters build servers that are smaller, with `std` alone (and `mio` in chapter 12, `tokio`
//! in 13), each slightly different from the previous one. `cargo run -p tcp-server --example NAME
//! [ADDRESS]` runs one:
//!
//! | chapter | step | what it still gets wrong |
//! |---|---|---|
//! | 3 | `ch03_faithful` | serves one client; treats the end of the stream as a message and answers it forever; a client that vanishes ends the server |
//! | 3 | `ch03_end_of_stream` | one client's reset ends the server for all |
//! | 3 | `ch03_unshakeable` | treats one read as one message; one silent client keeps all others waiting |
//! | 4 | `ch04_frames` | sends each reply in two writes, and the second one may wait for 40 ms |
//! | 5 | `ch05_one_write` | closes with unread input after its last reply, which may be lost |
//! | 6 | `ch06_linger` | one silent client still keeps all others waiting |
//! | 10 | `ch10_pool` | four threads for all clients: a client that leaves abruptly kills one, a client that stays silent occupies one |
//! | 10 | `ch10_thread_per_client` | no limit on threads, no deadline, no way to stop; it spins when it is out of descriptors |
//! | 11 | `ch11_eaten` | what a timeout does to `read_exact`: an experiment, not a server |
//! | 12 | `ch12_readiness` | no limit on clients, no deadline, no way to stop; it ends when it is out of descriptors |
//! | 13 | `ch13_tokio` | the same as with a thread per client; and each client keeps its buffers, idle or not |
//! | 16 | `ch16_keeper` | what clients see when their server is killed, with and without a keeper of its listener: an experiment, not a server |
//! | 17 | `ch17_one_read` | treats what one read returns as the whole payload: kept for a test to find |

#![warn(missing_docs)]

mod listen;
mod options;
#[cfg(feature = "tls")]
pub mod tls;

use mio::event::Source;
use mio::net::{TcpListener, TcpStream};
use shared_server::{Inherited, Listeners, Peer, Transport};
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener as StdTcpListener, ToSocketAddrs};

/// Accepts TCP connections.
#[derive(Debug)]
pub struct TcpTransport {
    listeners: Listeners<TcpListener>,
    /// Whether the options for connections were set on the listeners before the first connection
    /// could arrive.
    has_options: bool,
}

impl TcpTransport {
    /// Listens on `address`, such as `127.0.0.1:7878`, `[::1]:0` or `localhost:7878`. If it is a
    /// name with several addresses, the first one that this machine has is used. With port 0 the
    /// system chooses a port.
    ///
    /// # Errors
    ///
    /// If the name has no address, and those of `bind(2)` and `listen(2)`. If an address is in use
    /// or not permitted, the next address is not tried, because the name would then lead to two
    /// servers.
    pub fn bind(address: &str) -> io::Result<Self> {
        let addresses: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
        TcpTransport::bind_first(&addresses)
    }

    /// Listens on the first of these addresses that this machine has.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Self::bind). If there are several addresses, the error names the one that
    /// it is about.
    pub fn bind_first(addresses: &[SocketAddr]) -> io::Result<Self> {
        let listener = listen::on_first(addresses)?;
        Ok(TcpTransport {
            listeners: Listeners::new(vec![TcpListener::from_std(listener.into())]),
            has_options: true,
        })
    }

    /// Serves all TCP listeners that a supervisor passed to this process; returns `None` if there
    /// are none. The listeners stay open after this server has ended, because the supervisor keeps
    /// its copies: clients wait in their backlogs until the next server accepts them.
    ///
    /// # Errors
    ///
    /// Those of `fcntl(2)`.
    pub fn inherited(inherited: &mut Inherited) -> io::Result<Option<Self>> {
        let listeners = inherited.take_tcp();
        Ok(match listeners.is_empty() {
            true => None,
            false => Some(Self::on(listeners)?),
        })
    }

    /// Serves listeners that were created elsewhere, and of which other processes may hold copies.
    ///
    /// # Errors
    ///
    /// Those of `fcntl(2)`.
    pub fn on(listeners: Vec<StdTcpListener>) -> io::Result<Self> {
        for listener in &listeners {
            // They may be blocking or non-blocking, and `from_std` doesn't change that.
            listener.set_nonblocking(true)?;
        }
        let listeners = listeners.into_iter().map(TcpListener::from_std).collect();
        Ok(TcpTransport {
            listeners: Listeners::new(listeners),
            has_options: false,
        })
    }

    /// Returns the address that it listens on, with the port that the system chose. If it listens
    /// on several addresses, returns the first.
    ///
    /// # Errors
    ///
    /// Those of `getsockname(2)`.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        let first = self.listeners.iter().next();
        first.map_or(Err(io::ErrorKind::NotFound.into()), TcpListener::local_addr)
    }

    /// Returns all addresses that it listens on: more than one only if it serves several listeners
    /// that were inherited or passed to [`on`](Self::on).
    ///
    /// # Errors
    ///
    /// Those of `getsockname(2)`.
    pub fn local_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }
}

impl Transport for TcpTransport {
    type Stream = TcpStream;

    fn listener(&mut self) -> &mut dyn Source {
        &mut self.listeners
    }

    fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address) = self.listeners.accept(TcpListener::accept)?;
        if !(self.has_options && options::ARE_INHERITED) {
            options::set_on(&stream);
        }
        Ok((stream, Peer::Tcp(canonical(address))))
    }

    /// Admits every peer: TCP does not identify a peer's user.
    fn admits(&self, _peer: &Peer) -> bool {
        true
    }

    fn shutdown_write(stream: &mut TcpStream) -> io::Result<()> {
        stream.shutdown(Shutdown::Write)
    }
}

/// A socket that is listening on `[::]` also accepts IPv4 clients, and reports their addresses as
/// IPv6 addresses, such as `::ffff:127.0.0.1`: `ipv6(7)`. This returns the plain IPv4 address.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_some() => {
            SocketAddr::new(address.ip().to_canonical(), address.port())
        }
        // With its scope, which distinguishes two links.
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_peer_is_named_as_such() {
        for (seen, named) in [
            ("[::ffff:127.0.0.1]:7", "127.0.0.1:7"),
            ("127.0.0.1:7", "127.0.0.1:7"),
            ("[::1]:7", "[::1]:7"),
            ("[fe80::1%3]:7", "[fe80::1%3]:7"),
            ("[::7f00:1]:7", "[::127.0.0.1]:7"),
        ] {
            let named: SocketAddr = named.parse().unwrap();
            assert_eq!(canonical(seen.parse().unwrap()), named, "{seen}");
        }
    }
}
