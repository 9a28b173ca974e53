//! Sends back each line in upper case, to any number of clients. At SIGINT or SIGTERM it answers
//! what has arrived, for no longer than the given time, and ends.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

/// The exit code that says: somebody was cut off.
const CUT: u8 = 3;

fn main() -> io::Result<ExitCode> {
    let mut args = std::env::args().skip(1);
    let (path, millis) = args
        .next()
        .zip(args.next())
        .expect("usage: sol-14-02 PATH MILLISECONDS");
    let within = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
    let signals = catch_signals()?;
    let listener = UnixListener::bind(&path)?;
    let file = SocketFile::made_at(&path)?;
    println!("listening on {path}");
    let clients = accept_until(&signals, &listener)?;
    // Close the door first: no new client may connect while the others are being finished.
    drop(file);
    drop(listener);
    clients.drain(&signals, Instant::now() + within)
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
fn accept_until(mut signals: &UnixStream, listener: &UnixListener) -> io::Result<Clients> {
    let mut clients = Clients::none()?;
    // A client may disconnect before it is accepted, and accept() would wait for the next one.
    listener.set_nonblocking(true)?;
    while let [false, _] = wait(&signals, listener, None)? {
        match listener.accept() {
            Ok((stream, _)) => clients.start(stream),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => _ = writeln!(io::stderr(), "a client was lost: {error}"),
        }
    }
    _ = signals.read(&mut [0; 16])?;
    Ok(clients)
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

/// Those who are being served, each by a thread.
struct Clients {
    /// The thread owns the stream; this list keeps none open.
    streams: Vec<Weak<UnixStream>>,
    /// Every thread has a share of it. With the last one it closes, and `all_gone` is at its end.
    here: Arc<UnixStream>,
    all_gone: UnixStream,
}

impl Clients {
    fn none() -> io::Result<Clients> {
        let (all_gone, here) = UnixStream::pair()?;
        Ok(Clients {
            streams: Vec::new(),
            here: Arc::new(here),
            all_gone,
        })
    }

    /// Serves one client, on a thread of its own.
    fn start(&mut self, stream: UnixStream) {
        let (stream, here) = (Arc::new(stream), Arc::clone(&self.here));
        self.streams.retain(|stream| stream.strong_count() > 0);
        self.streams.push(Arc::downgrade(&stream));
        let talk = move || {
            if let Err(error) = serve(&stream) {
                let _ = writeln!(io::stderr(), "a client: {error}");
            }
            drop(stream);
            drop(here);
        };
        if let Err(error) = thread::Builder::new().spawn(talk) {
            let _ = writeln!(io::stderr(), "a client was lost: {error}");
        }
    }

    // ANCHOR: drain
    /// Answers what has come and waits until all are gone; but no longer than until `deadline`, and
    /// not after another signal.
    fn drain(self, signals: &UnixStream, deadline: Instant) -> io::Result<ExitCode> {
        drop(self.here);
        for stream in self.streams.iter().filter_map(Weak::upgrade) {
            // Its thread still reads what has come, and then the end. (One that is gone already is
            // why this may fail.)
            let _ = stream.shutdown(Shutdown::Read);
        }
        let [all_gone, _] = wait(&self.all_gone, signals, Some(deadline))?;
        Ok(if all_gone {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(CUT)
        })
    }
    // ANCHOR_END: drain
}

// ANCHOR: serve
/// Sends back each line in upper case; `wait FILE` only after it has read that file to its end.
fn serve(mut stream: &UnixStream) -> io::Result<()> {
    stream.set_nonblocking(false)?; // on macOS it inherits the listener's mode
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        let Some(request) = line.strip_suffix('\n') else {
            return stream.write_all(b"unfinished\n"); // the end came before the end of the line
        };
        if let Some(file) = request.strip_prefix("wait ") {
            read_to_the_end(file)?;
        }
        stream.write_all(line.to_uppercase().as_bytes())?;
        line.clear();
    }
    Ok(())
}
// ANCHOR_END: serve

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
