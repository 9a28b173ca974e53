//! What the shared tests need to know of TCP.

use crate::pair::DEADLINE;
use crate::pair::peer::Peer;
use crate::pair::process::server_program;
use crate::pair::server::Server;
use std::net::{SocketAddr, TcpListener, TcpStream};

pub type Stream = TcpStream;

pub const CLIENT: &str = "tcp-client";
pub const SERVER: &str = "tcp-server";
pub const ADDRESS_OPTION: &str = "--connect";
pub const LISTEN_OPTION: &str = "--listen";
/// How a connect fails once the server has stopped listening: nobody listens there.
pub const GONE: std::io::ErrorKind = std::io::ErrorKind::ConnectionRefused;
/// What a client that was not allowed is advised.
pub const IF_NOT_ALLOWED: &str = "ask the server's administrator";

/// Where a server is told to listen; a free port.
#[derive(Debug, Clone)]
pub struct Place;

impl Place {
    pub fn new() -> Self {
        Place
    }

    pub fn address(&self) -> String {
        "127.0.0.1:0".to_owned()
    }
}

pub fn connect(address: &str) -> std::io::Result<Stream> {
    Ok(tcp_client::connect(address, DEADLINE)?)
}

/// Whether this is how a server sees a client of this machine.
pub fn is_peer(text: &str, _pid: u32) -> bool {
    let address = text.strip_prefix("tcp ").map(str::parse::<SocketAddr>);
    matches!(address, Some(Ok(address)) if address.ip().is_loopback())
}

/// Ends a connection by a reset, as closing does where lingering was set to no time: `tcp(7)`.
pub fn reset(peer: Peer) {
    let no_time = Some(std::time::Duration::ZERO);
    rustix::net::sockopt::set_socket_linger(peer.stream(), no_time).unwrap();
    drop(peer);
}

/// Whether nobody listens any more.
pub fn is_gone(server: &Server) -> bool {
    connect(&server.address).is_err()
}

/// Where nobody listens, while this lives.
pub fn nobody() -> scripted_peer::Listener {
    scripted_peer::Listener::refusing()
}

/// A listener that a server of this kind may inherit.
pub fn inheritable() -> scripted_peer::Listener {
    server_program(); // built before the test's time begins to run
    scripted_peer::Listener::tcp()
}

/// One that it may not.
pub fn of_the_other_kind() -> scripted_peer::Listener {
    scripted_peer::Listener::on_path()
}

/// A server of the tests' own.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: String,
}

impl Listener {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Listener { listener, address }
    }

    pub fn address(&self) -> String {
        self.address.clone()
    }

    pub fn accept(&self) -> Peer {
        Peer::new(self.listener.accept().unwrap().0)
    }
}
