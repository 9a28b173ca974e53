//! Sends back each line in upper case, to any number of clients, until SIGINT or SIGTERM arrives.

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: ex-14-01 PATH");
    catch_signals();
    let listener = UnixListener::bind(&path)?;
    let _file = SocketFile::made_at(&path)?;
    println!("listening on {path}");
    accept_until(&listener)
}

/// From here on, the two signals do not kill the program. You choose what this returns.
fn catch_signals() {
    todo!("catch SIGINT and SIGTERM")
}

/// Serves each client that connects, until a signal arrives.
fn accept_until(listener: &UnixListener) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => start(stream),
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
