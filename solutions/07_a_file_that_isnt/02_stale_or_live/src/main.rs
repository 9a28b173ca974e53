//! Listens on a path where something may already exist, and greets each client.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use socket2::{Domain, SockAddr, Socket, Type};

fn main() -> ExitCode {
    let path = std::env::args().nth(1).expect("usage: sol-07-02 PATH");
    let path = PathBuf::from(path);
    match take(&path) {
        Ok((listener, _lock)) => {
            println!("listening on {}", path.display());
            greet(&listener)
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "{}: {error}", path.display());
            ExitCode::from(2)
        }
    }
}

// ANCHOR: take
/// Listens on `path`, if nothing is there or a socket whose server is gone. The lock is to be held
/// for as long as the listener is.
///
/// # Errors
///
/// If the path belongs to something else, or cannot be a socket's path.
fn take(path: &Path) -> io::Result<(UnixListener, File)> {
    if SockAddr::unix(path).is_err() {
        let message = "too long: a socket's path has room for 107 bytes on Linux, 103 on macOS";
        return Err(io::Error::new(ErrorKind::InvalidInput, message));
    }
    // Of two that come at once, only the one with the lock looks further, so nobody can step
    // between its look and its bind.
    let lock = lock_beside(path)?;
    if is_stale(path)? {
        fs::remove_file(path)?;
    }
    Ok((UnixListener::bind(path)?, lock))
}
// ANCHOR_END: take

/// The kernel gives the lock back however its holder ends. The file stays: after removing it, two
/// programs could hold locks on two files of one name.
fn lock_beside(path: &Path) -> io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    // What is there is opened without O_CREAT, which fails in /tmp for another user's file, even for
    // root (fs.protected_regular, proc_sys_fs(5)).
    let mut open = File::options();
    let open = open.append(true);
    let file = open
        .open(&name)
        .or_else(|_| open.create(true).open(&name))?;
    file.try_lock()?;
    Ok(file)
}

// ANCHOR: is_stale
/// Whether a socket is there that nobody listens on; false if nothing is there.
fn is_stale(path: &Path) -> io::Result<bool> {
    // Not `metadata`: that would follow a symlink, and judge what it points to.
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        // A regular file refuses connections, too, so the answer to a knock is not enough.
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::other("is there and is no socket"));
        }
        found => found?,
    };
    match knock(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Ok(()) => Err(io::Error::other("a server listens there")),
        // It is busy, or of another type, or not ours to connect to: somebody's.
        Err(error) => Err(error),
    }
}
// ANCHOR_END: is_stale

/// Tries to connect to `path`, and never waits: if a live server is too busy to accept, it returns
/// an error of the kind `WouldBlock`.
fn knock(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

/// Says hello to every client. A program that only knocked has already left, and that is fine.
fn greet(listener: &UnixListener) -> ExitCode {
    for client in listener.incoming() {
        match client.and_then(|mut client| client.write_all(b"hello\n")) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                let _ = writeln!(io::stderr(), "a client: {error}");
            }
            _ => {}
        }
    }
    ExitCode::SUCCESS
}
