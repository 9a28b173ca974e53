//! Sends back each line in upper case, to all clients at once, until SIGINT or SIGTERM comes.

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

/// From here on the two signals do not kill. What this returns is yours to choose.
fn catch_signals() {
    todo!("catch SIGINT and SIGTERM")
}

/// Serves whoever comes, until a signal does.
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

/// The file of a socket that this program made: removed when this is dropped, unless another one has
/// taken its place (chapter 7). To be dropped before its listener.
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
            _ => Ok(()), // nothing is there, or a successor's
        };
        if let Err(error) = removed {
            let path = self.path.display();
            let _ = writeln!(io::stderr(), "{path} stays behind: {error}");
        }
    }
}

/// What tells one file from another, whatever its name: the device, and the inode on it.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}
