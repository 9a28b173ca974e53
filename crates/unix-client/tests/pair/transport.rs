//! What the shared tests need to know of Unix sockets.

use crate::shared::DEADLINE;
use crate::shared::peer::{Peer, WHO_AM_I};
use crate::shared::server::Server;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use rustix::process::{getegid, geteuid};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub type Stream = UnixStream;

pub const CLIENT: &str = env!("CARGO_BIN_EXE_unix-client");
pub const SERVER: &str = "unix-server";
pub const ADDRESS_OPTION: &str = "--socket";
pub const LISTEN_OPTION: &str = "--socket";
/// What a client that was not allowed is advised.
pub const IF_NOT_ALLOWED: &str = "--allow-uid";

/// Where a server is told to listen: a path in a folder that goes away.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Place {
            folder: TempDir::new().unwrap(),
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self) -> PathBuf {
        self.folder().join("server.sock")
    }

    pub fn address(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }
}

pub fn connect(address: &str) -> std::io::Result<Stream> {
    unix_client::connect(Path::new(address), DEADLINE)
}

/// Whether this is how a server sees the process `pid` of this user.
pub fn is_peer(text: &str, pid: u32) -> bool {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    text == format!("unix pid={pid} uid={uid} gid={gid}")
}

/// Ends a connection by a reset, as closing does where something was not read: `unix(7)`.
pub fn reset(mut peer: Peer) {
    let _ = peer.try_send(WHO_AM_I);
    drop(peer);
}

/// Whether nobody listens any more, and the path is free.
pub fn is_gone(server: &Server) -> bool {
    connect(&server.address).is_err() && !Path::new(&server.address).exists()
}

/// Makes a socket's file where nobody listens, as a server leaves it that dies.
///
/// `listen` is never called: a listener that was closed can live on for a moment, in a child that
/// another test is about to start.
pub fn leave_socket_file(path: &Path) {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
}

/// Where nobody listens: the file is there, its server gone.
#[derive(Debug)]
pub struct Nobody {
    _place: Place,
    pub address: String,
}

impl Nobody {
    pub fn new() -> Self {
        let place = Place::new();
        leave_socket_file(&place.path());
        let address = place.address();
        Nobody {
            _place: place,
            address,
        }
    }
}

/// A server of the tests' own.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    place: Place,
}

impl Listener {
    pub fn new() -> Self {
        let place = Place::new();
        let listener = UnixListener::bind(place.path()).unwrap();
        Listener { listener, place }
    }

    pub fn address(&self) -> String {
        self.place.address()
    }

    pub fn accept(&self) -> Peer {
        Peer::new(self.listener.accept().unwrap().0)
    }
}
