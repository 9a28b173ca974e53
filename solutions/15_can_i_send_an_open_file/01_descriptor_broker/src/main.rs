//! Opens files of one folder for its clients, and sends them the open files.

use std::io::{self, BufRead, BufReader, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::fs::{FileType, Mode, OFlags, fstat};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

fn main() -> io::Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let path = args.next().expect("usage: sol-15-01 PATH FOLDER");
    let folder = args.next().expect("usage: sol-15-01 PATH FOLDER");
    // An open folder stays the same folder, whatever happens to its name.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = Arc::new(rustix::fs::open(folder, flags, Mode::empty())?);
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
fn serve(client: &UnixStream, folder: &OwnedFd) -> io::Result<()> {
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

// ANCHOR: answer
/// Answers with `+` and the open file of this name in `folder`, or with `-REASON` and a newline.
fn answer(mut client: &UnixStream, folder: &OwnedFd, name: &[u8]) -> io::Result<()> {
    match open_beneath(folder, name) {
        Ok(file) => send_with(client, b"+", file.as_fd()),
        Err(error) => client.write_all(format!("-{error}\n").as_bytes()),
    }
    // Our copy of the file is closed here; the client has its own.
}
// ANCHOR_END: answer

// ANCHOR: open_beneath
/// Opens a regular file in `folder` or below it, for reading.
///
/// # Errors
///
/// If there is none of that name, or if the name leads out of the folder.
fn open_beneath(folder: &OwnedFd, name: &[u8]) -> io::Result<OwnedFd> {
    // Without NONBLOCK, opening a FIFO waits until somebody writes to it.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = open_no_higher(folder, name, flags)?;
    // An open folder would be a way out: openat(2) takes ".." from there.
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(file)
}

/// The kernel looks while it walks: no symlink, and no rename in the meantime, leads out of the
/// folder (openat2(2), `RESOLVE_BENEATH`).
#[cfg(target_os = "linux")]
fn open_no_higher(folder: &OwnedFd, name: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    use rustix::fs::{ResolveFlags, openat2};
    Ok(openat2(
        folder,
        name,
        flags,
        Mode::empty(),
        ResolveFlags::BENEATH,
    )?)
}
// ANCHOR_END: open_beneath

/// Elsewhere only the folder's own files: a name without a slash leads nowhere else.
#[cfg(not(target_os = "linux"))]
fn open_no_higher(folder: &OwnedFd, name: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    if name.contains(&b'/') {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let flags = flags | OFlags::NOFOLLOW;
    Ok(rustix::fs::openat(folder, name, flags, Mode::empty())?)
}

// ANCHOR: send_with
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
// ANCHOR_END: send_with
