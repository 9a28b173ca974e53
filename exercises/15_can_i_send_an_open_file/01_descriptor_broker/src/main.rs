//! Opens files of one folder for its clients, and sends them the open files.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};

fn main() -> io::Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let path = args.next().expect("usage: ex-15-01 PATH FOLDER");
    let folder = args.next().expect("usage: ex-15-01 PATH FOLDER");
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

/// Answers with `+` and the open file of this name in `folder`, or with `-REASON` and a newline.
fn answer(client: &UnixStream, folder: &OwnedFd, name: &[u8]) -> io::Result<()> {
    let (client, folder) = (client.as_fd(), folder.as_fd());
    let name = name.escape_ascii();
    todo!("open {name} in {folder:?}, and send the open file over {client:?}")
}
