//! What the shared tests need to know of Unix sockets.

use crate::pair::DEADLINE;
use crate::pair::peer::{Peer, WHO_AM_I};
use crate::pair::process::server_program;
use crate::pair::server::Server;
use rustix::process::{getegid, geteuid};
use scripted_peer::Folder;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

pub type Stream = UnixStream;

pub const CLIENT: &str = "unix-client";
pub const SERVER: &str = "unix-server";
pub const ADDRESS_OPTION: &str = "--socket";
pub const LISTEN_OPTION: &str = "--socket";
/// What a client that was not allowed is advised.
pub const IF_NOT_ALLOWED: &str = "--allow-uid";

/// Where a server is told to listen: a path in a folder that goes away.
#[derive(Debug, Clone)]
pub struct Place {
    folder: Folder,
}

impl Place {
    pub fn new() -> Self {
        Place {
            folder: scripted_peer::folder(),
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join("server.sock")
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

/// Where nobody listens, while this lives: the file is there, its server gone.
pub fn nobody() -> scripted_peer::Listener {
    scripted_peer::Listener::refusing_on_path()
}

/// A listener that a server of this kind may inherit.
pub fn inheritable() -> scripted_peer::Listener {
    server_program(); // built before the test's time begins to run
    scripted_peer::Listener::on_path()
}

/// One that it may not.
pub fn of_the_other_kind() -> scripted_peer::Listener {
    scripted_peer::Listener::tcp()
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
