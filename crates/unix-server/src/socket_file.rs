//! The path: who may use it, what is replaced, what is removed.
//!
//! A socket file outlives its server: after a crash it is left behind, and `bind` then fails with
//! `EADDRINUSE` (`unix(7)`). An existing file is replaced only if it is a socket and `connect` to
//! it fails with `ECONNREFUSED`, which on Linux means that nothing is listening on it. (On macOS
//! and the BSDs, a full backlog also gives `ECONNREFUSED`.) Anything else may be in use, and is
//! left alone.

use crate::lock::{Lock, lock_path, whose_folder};
use crate::modes::{give_back, identity, with_umask};
use rustix::io::Errno;
use shared_proto::User;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fmt;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The socket file that this server created, and the lock on its path. Dropping this value removes
/// the file, unless another file has taken its place. Drop it while the socket is still open: until
/// then, no other file can have the same inode number.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    made: (u64, u64),
    _lock: Lock,
}

/// The reason why the path cannot be used.
#[derive(Debug)]
pub enum BindError {
    /// No socket can have this path.
    UnusablePath(&'static str),
    /// Something other than a socket is at the path; the text says what. It is left in place.
    NotASocket(&'static str),
    /// A server is listening on the path.
    InUse,
    /// Another server holds the lock next to the path: it is serving, or is about to.
    Locked,
    /// The lock next to the path cannot be opened.
    Lock(PathBuf, io::Error),
    /// At the path is a socket of this user, and it is unclear whether a server is listening on it.
    Unclear(User, io::Error),
    /// At the path is a socket of this user. Nothing is listening on it, but it cannot be removed.
    Stuck(User, io::Error),
    /// The folder exists, but its file system does not seem to support sockets.
    NoSocket(io::Error),
    /// A system call failed.
    Io(io::Error),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BindError::UnusablePath(why) => write!(f, "no socket can have this path: {why}"),
            BindError::NotASocket(what) => {
                write!(f, "{what} is already there, and was left in place")
            }
            BindError::InUse => write!(f, "a server is already listening there"),
            BindError::Locked => write!(f, "another server holds the lock next to it"),
            // Nothing else can be missing: the lock itself is created if there is none, and a folder
            // that is there has another error.
            BindError::Lock(_, error) if error.kind() == ErrorKind::NotFound => {
                write!(f, "its folder does not exist")
            }
            BindError::Lock(path, error) => write!(f, "cannot lock {}: {error}", path.display()),
            BindError::Unclear(owner, error) => write!(
                f,
                "a socket of {owner} is there, and it is unclear whether a server is listening on \
                                  it: {error}; if none is, have the socket removed, or name another path with --socket"
            ),
            BindError::Stuck(owner, error) => write!(
                f,
                "a socket of {owner} is there that nothing is listening on, and it cannot be \
                 removed: {error}; have it removed, or name another path with --socket"
            ),
            BindError::NoSocket(error) => write!(
                f,
                "its file system does not seem to support sockets: {error}; use --socket to name a \
                 path on a different one"
            ),
            BindError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BindError {}

impl From<io::Error> for BindError {
    fn from(error: io::Error) -> Self {
        BindError::Io(error)
    }
}

impl SocketFile {
    /// Binds a new socket to `path`, and returns both; the socket is not listening yet. The file
    /// has exactly the permissions `mode`, and never had more than those.
    ///
    /// Changes the umask of the whole process (`umask(2)`) for a moment, so call it before any
    /// thread is started.
    ///
    /// # Errors
    ///
    /// [`BindError`], for example if something at the path is or may be in use.
    pub fn bind(path: &Path, mode: u32) -> Result<(SocketFile, Socket), BindError> {
        // ANCHOR: bind
        let address = check_path(path)?;
        let whose = |refusal| match refusal {
            BindError::Io(error) => BindError::Io(whose_folder(path, error)),
            other => other,
        };
        // Before the lock, so that a mistaken path does not leave a lock file next to it.
        find_socket(path).map_err(whose)?;
        let beside = lock_path(path);
        let lock = Lock::take(&beside)
            .map_err(|error| BindError::Lock(beside, error))?
            .ok_or(BindError::Locked)?;
        if let Some(found) = find_socket(path)? {
            remove_stale(path, &address, &found)?;
        }
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        bind_with_mode(&socket, &address, mode).map_err(whose)?;
        let made = fs::symlink_metadata(path)?;
        let file = SocketFile {
            path: path.to_owned(),
            made: identity(&made),
            _lock: lock,
        };
        give_back(path, &made, mode)?;
        // ANCHOR_END: bind
        Ok((file, socket))
    }

    /// Returns the path, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

// ANCHOR: drop
impl SocketFile {
    /// Removes the socket file, unless it is gone or another file has taken its place.
    ///
    /// # Errors
    ///
    /// One line that names the path, if the file could not be removed.
    pub fn remove(&self) -> io::Result<()> {
        let is_ours = |found| identity(&found) == self.made;
        let removed = match fs::symlink_metadata(&self.path).map(is_ours) {
            Ok(true) => fs::remove_file(&self.path),
            Ok(false) => Ok(()), // another server's by now
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let path = self.path.display();
                let stays = format!("could not remove the socket file {path}: {error}");
                Err(io::Error::new(error.kind(), stays))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = self.remove(); // a draining server has done so, and reported it if it could not
    }
}
// ANCHOR_END: drop

/// Returns the socket address for a path, if the path is usable. An empty path would be bound to an
/// abstract name, and a path with control characters could not be announced in one line.
pub(crate) fn check_path(path: &Path) -> Result<SockAddr, BindError> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() {
        return Err(BindError::UnusablePath("it is empty"));
    }
    if bytes.iter().any(u8::is_ascii_control) {
        return Err(BindError::UnusablePath("it has a control character"));
    }
    SockAddr::unix(path).map_err(|_| {
        BindError::UnusablePath("it is too long: 107 bytes at most on Linux, 103 on macOS, unix(7)")
    })
}

// ANCHOR: find_socket
/// Returns the socket at `path`; `None` if nothing is there. A symlink is not followed.
fn find_socket(path: &Path) -> Result<Option<Metadata>, BindError> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    let kind = found.file_type();
    if kind.is_socket() {
        return Ok(Some(found));
    }
    Err(BindError::NotASocket(match kind {
        kind if kind.is_symlink() => "a symlink",
        kind if kind.is_dir() => "a folder",
        kind if kind.is_file() => "a regular file",
        _ => "something other than a socket",
    }))
}
// ANCHOR_END: find_socket

// ANCHOR: remove_stale
/// Removes a socket file that nothing is listening on.
fn remove_stale(path: &Path, address: &SockAddr, found: &Metadata) -> Result<(), BindError> {
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    probe.set_nonblocking(true)?; // a full backlog means a live server; don't wait for it
    match probe.connect(address) {
        Ok(()) => return Err(BindError::InUse),
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(BindError::InUse),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(BindError::Unclear(User(found.uid()), error)),
    }
    let still_there = find_socket(path)?.is_some_and(|now| identity(&now) == identity(found));
    if still_there {
        fs::remove_file(path).map_err(|error| BindError::Stuck(User(found.uid()), error))?;
    }
    Ok(())
}
// ANCHOR_END: remove_stale

/// Sets the umask before `bind`, so that the socket file is created with its final permissions. A
/// `chmod` afterwards would leave a window in which someone else could connect.
fn bind_with_mode(socket: &Socket, address: &SockAddr, mode: u32) -> Result<(), BindError> {
    with_umask(mode, || socket.bind(address)).map_err(|error| {
        match Errno::from_io_error(&error) {
            Some(Errno::ADDRINUSE) => BindError::InUse,
            // On a file system where a lock could be created and a socket can't; FAT reports the
            // first of these.
            Some(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) => BindError::NoSocket(error),
            _ => BindError::Io(error),
        }
    })
}
