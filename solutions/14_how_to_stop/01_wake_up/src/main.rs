//! Sends back each line in upper case, to any number of clients, until SIGINT or SIGTERM arrives.

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use nix::sys::signal::{SigSet, Signal};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: sol-14-01 PATH");
    // First of all: as soon as somebody can know that this program runs, they can stop it.
    let signals = catch_signals()?;
    let listener = UnixListener::bind(&path)?;
    let _file = SocketFile::made_at(&path)?;
    println!("listening on {path}");
    accept_until(&signals, &listener)
}

/// A stream that becomes readable when SIGINT or SIGTERM comes: their handler writes a byte into its
/// other end, and that is all it does.
fn catch_signals() -> io::Result<UnixStream> {
    let (signals, handler) = UnixStream::pair()?;
    pipe::register(SIGINT, handler.try_clone()?)?;
    pipe::register(SIGTERM, handler)?;
    // Whoever started this program may have blocked them, and a program inherits that.
    SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]).thread_unblock()?;
    Ok(signals)
}

/// Waits for two things at once, and serves whoever comes, until a signal does.
fn accept_until(signals: &UnixStream, listener: &UnixListener) -> io::Result<()> {
    // A client may be gone again before it is accepted, and accept would wait for the next one.
    listener.set_nonblocking(true)?;
    loop {
        let mut ready = [
            PollFd::new(signals, PollFlags::IN),
            PollFd::new(listener, PollFlags::IN),
        ];
        match poll(&mut ready, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue, // the handler ran in this thread, and its byte is there
            Err(error) => return Err(error.into()),
        }
        if !ready[0].revents().is_empty() {
            return Ok(());
        }
        match listener.accept() {
            Ok((stream, _)) => start(stream),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => _ = writeln!(io::stderr(), "a client was lost: {error}"),
        }
    }
}

/// Serves one client, on a thread of its own.
fn start(stream: UnixStream) {
    let talk = move || {
        if let Err(error) = serve(&stream) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    };
    if let Err(error) = thread::Builder::new().spawn(talk) {
        let _ = writeln!(io::stderr(), "a client was lost: {error}");
    }
}

/// Sends back each line in upper case.
fn serve(mut stream: &UnixStream) -> io::Result<()> {
    stream.set_nonblocking(false)?; // on macOS it is as the listener was
    for line in BufReader::new(stream).lines() {
        stream.write_all(format!("{}\n", line?.to_uppercase()).as_bytes())?;
    }
    Ok(())
}

/// A socket file that this program created. Dropping this removes the file, unless another file has
/// taken its place (chapter 7). Drop it before its listener.
struct SocketFile {
    path: PathBuf,
    made: (u64, u64),
}

impl SocketFile {
    fn made_at(path: impl AsRef<Path>) -> io::Result<SocketFile> {
        let path = path.as_ref().to_owned();
        let made = identity(&path)?;
        Ok(SocketFile { path, made })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let removed = match identity(&self.path) {
            Ok(found) if found == self.made => fs::remove_file(&self.path),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()), // nothing is there, or a successor's file
        };
        if let Err(error) = removed {
            let path = self.path.display();
            let _ = writeln!(io::stderr(), "could not remove {path}: {error}");
        }
    }
}

/// What tells one file from another, whatever its name: the device, and the inode on it.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}
