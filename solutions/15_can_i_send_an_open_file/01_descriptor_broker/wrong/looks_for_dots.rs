//! Caught by: nothing_outside_the_folder, nothing_outside_meanwhile
//! Told: This name leads out of the folder
//!
//! Looks for a way out in the name. But the name of a symlink looks like any other.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

fn main() -> io::Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let path = args.next().expect("usage: looks_for_dots PATH FOLDER");
    let folder = args.next().expect("usage: looks_for_dots PATH FOLDER");
    let folder = Arc::new(folder);
    let listener = UnixListener::bind(&path)?;
    println!("listening on {}", path.display());
    for client in listener.incoming() {
        let folder = Arc::clone(&folder);
        let started = client.and_then(|client| start(move || serve(&client, &folder)));
        if let Err(error) = started {
            // Perhaps no descriptor is left: one may become free soon.
            let _ = writeln!(io::stderr(), "could not start serving a client: {error}");
            thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

/// Serves a client on its own thread.
fn start(client: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().spawn(move || {
        if let Err(error) = client() {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    });
    thread.map(drop)
}

/// Reads one name per line, and answers each.
fn serve(client: &UnixStream, folder: &Path) -> io::Result<()> {
    let mut names = BufReader::new(client);
    let mut name = Vec::new();
    while names.read_until(b'\n', &mut name)? > 0 {
        if name.pop_if(|last| *last == b'\n').is_some() {
            answer(client, folder, &name)?;
        }
        name.clear();
    }
    Ok(())
}

/// Answers with `+` and the open file of this name in `folder`, or with `-REASON` and a newline.
fn answer(mut client: &UnixStream, folder: &Path, name: &[u8]) -> io::Result<()> {
    match open_in(folder, name) {
        Ok(file) => send_with(client, b"+", file.as_fd()),
        Err(error) => client.write_all(format!("-{error}\n").as_bytes()),
    }
    // Our copy of the file is closed here; the client has its own.
}

// ANCHOR: open_in
/// Opens a regular file in `folder` or below it, for reading.
fn open_in(folder: &Path, name: &[u8]) -> io::Result<OwnedFd> {
    let is_up = |part: &[u8]| part == b"..";
    if name.starts_with(b"/") || name.split(|byte| *byte == b'/').any(is_up) {
        return Err(io::Error::other("not in the folder"));
    }
    let path = folder.join(OsStr::from_bytes(name));
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(file.into())
}
// ANCHOR_END: open_in

/// Sends these bytes, and with the first of them a copy of `file`.
fn send_with(client: &UnixStream, bytes: &[u8], file: BorrowedFd<'_>) -> io::Result<()> {
    let files = [file];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&files));
    let bytes = [IoSlice::new(bytes)];
    sendmsg(client, &bytes, &mut control, SendFlags::empty())?;
    Ok(())
}
