//! A socket that no other user can connect to, from its first moment.
//!
//! Usage: `cargo run -p unix-server --example ch08_private [PATH]`

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};

use rustix::fs::Mode;
use rustix::process::umask;

/// The longest message that the server reads.
const LIMIT: u32 = 64 * 1024;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or("pocket.sock".into());
    let (listener, _lock) = take(&path)?;
    println!("listening on {path}");
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
    Ok(())
}

/// Listens on `path`, if nothing is there or only a socket that nothing is listening on. Keep the
/// lock as long as the listener.
fn take(path: &str) -> io::Result<(UnixListener, File)> {
    // An existing file is opened without O_CREAT, which fails in /tmp for another user's file, even
    // for root (fs.protected_regular, proc_sys_fs(5)).
    let (name, mut open) = (format!("{path}.lock"), File::options());
    let open = open.append(true);
    let lock = open
        .open(&name)
        .or_else(|_| open.create(true).open(&name))?;
    lock.try_lock()?;
    if is_stale(path)? {
        fs::remove_file(path)?;
    }
    Ok((bind_private(path)?, lock))
}

fn is_stale(path: &str) -> io::Result<bool> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == ErrorKind::ConnectionRefused;
    Ok(is_socket && UnixStream::connect(path).is_err_and(refused))
}

// ANCHOR: private
/// `bind` creates the file with all permissions that the umask leaves. The umask belongs to the
/// whole process, but no other thread is running yet.
fn bind_private(path: &str) -> io::Result<UnixListener> {
    let before = umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
    let listener = UnixListener::bind(path);
    umask(before);
    listener
}
// ANCHOR_END: private

// ANCHOR: serve
fn serve(mut stream: &UnixStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(message) = read_frame(&mut reader)? {
        let close = message.eq_ignore_ascii_case(b"close");
        stream.write_all(&frame(if close { b"closed" } else { b"accepted" }))?;
        if close {
            break;
        }
    }
    Ok(())
}
// ANCHOR_END: serve

/// Reads the next complete message; `None` if the stream ends between messages.
fn read_frame(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > LIMIT {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut message = Vec::new();
    reader.take(length.into()).read_to_end(&mut message)?;
    if message.len() < length as usize {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(message))
}

fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("our messages are short");
    [&length.to_be_bytes(), message].concat()
}
