//! Sends back each line in upper case, to any number of clients. At SIGINT or SIGTERM it answers
//! what has arrived, for no longer than the given time, and ends.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

fn main() -> io::Result<ExitCode> {
    let mut args = std::env::args().skip(1);
    let (path, millis) = args
        .next()
        .zip(args.next())
        .expect("usage: ex-14-02 PATH MILLISECONDS");
    let within = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
    let signals = catch_signals()?;
    let listener = UnixListener::bind(&path)?;
    let file = SocketFile::made_at(&path)?;
    println!("listening on {path}");
    accept_until(&signals, &listener)?;
    // Close the door first: no new client may connect while the others are being finished.
    drop(file);
    drop(listener);
    drain(Instant::now() + within)
}

/// A stream that becomes readable when SIGINT or SIGTERM arrives: the handler writes a byte into its
/// other end.
fn catch_signals() -> io::Result<UnixStream> {
    let (signals, handler) = UnixStream::pair()?;
    pipe::register(SIGINT, handler.try_clone()?)?;
    pipe::register(SIGTERM, handler)?;
    SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]).thread_unblock()?;
    Ok(signals)
}

/// Serves each client that connects, until a signal arrives. Several signals count as one.
fn accept_until(mut signals: &UnixStream, listener: &UnixListener) -> io::Result<()> {
    // A client may disconnect before it is accepted, and accept() would wait for the next one.
    listener.set_nonblocking(true)?;
    while let [false, _] = wait(&signals, listener, None)? {
        match listener.accept() {
            Ok((stream, _)) => start(stream),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => _ = writeln!(io::stderr(), "a client was lost: {error}"),
        }
    }
    _ = signals.read(&mut [0; 16])?;
    Ok(())
}

/// Waits until one of the two is readable, or until the given time. Returns which of them are.
fn wait(one: &impl AsFd, other: &impl AsFd, until: Option<Instant>) -> io::Result<[bool; 2]> {
    loop {
        let mut ready =
            [one.as_fd(), other.as_fd()].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let left = left
            .map(Timespec::try_from)
            .transpose()
            .map_err(io::Error::other)?;
        match poll(&mut ready, left.as_ref()) {
            Ok(_) => return Ok(ready.map(|fd| !fd.revents().is_empty())),
            Err(Errno::INTR) => {} // by the signal: its byte is there now
            Err(error) => return Err(error.into()),
        }
    }
}

/// Answers what has arrived and waits until all clients are gone, but not past `deadline`, and not
/// after another signal. You may pass it more than the deadline.
fn drain(deadline: Instant) -> io::Result<ExitCode> {
    todo!("let every client finish by {deadline:?}, and report whether all of them did")
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

/// Sends back each line in upper case; `wait FILE` only after it has read that file to its end.
fn serve(mut stream: &UnixStream) -> io::Result<()> {
    stream.set_nonblocking(false)?; // on macOS it inherits the listener's mode
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if let Some(file) = line.strip_prefix("wait ") {
            read_to_the_end(file)?;
        }
        stream.write_all(format!("{}\n", line.to_uppercase()).as_bytes())?;
    }
    Ok(())
}

/// The work behind an answer: it is done when the file has been read to its end.
fn read_to_the_end(file: &str) -> io::Result<()> {
    io::copy(&mut File::open(file)?, &mut io::sink())?;
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
