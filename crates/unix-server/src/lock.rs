//! Of two servers that start at the same time, only one serves.
//!
//! Checking whether a server is listening and then binding are two steps, and another server may
//! act between them. So a server at `PATH` holds a lock on `PATH.lock` as long as it runs. The
//! kernel releases the lock when its holder ends, even by a crash. The file stays: removing it
//! would let two servers hold locks on two files of the same name.

use crate::modes::with_umask;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::process::geteuid;
use shared_proto::User;
use std::ffi::OsString;
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The lock on a socket's path. Dropping it releases the lock.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// The file to lock, next to the socket.
pub(crate) fn lock_path(socket: &Path) -> PathBuf {
    let mut name = OsString::from(socket);
    name.push(".lock");
    name.into()
}

impl Lock {
    /// Takes the lock, or `None` if another process holds it.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is a symlink (which is never followed), or is not a regular
    /// file.
    pub(crate) fn take(path: &Path) -> io::Result<Option<Lock>> {
        // ANCHOR: take
        let file = open_or_make(path)?;
        if !file.metadata()?.is_file() {
            let error = io::Error::other("it cannot be locked");
            return Err(whose_it_is(path, error));
        }
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
        // ANCHOR_END: take
    }
}

// ANCHOR: open_or_make
/// Opens an existing file before it creates one: with `O_CREAT`, and `fs.protected_regular` set,
/// even root may not open another user's file in a folder like `/tmp` (`proc_sys_fs(5)`).
fn open_or_make(path: &Path) -> io::Result<File> {
    // Non-blocking, so that a FIFO in its place cannot block the server.
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mode = 0o600;
    match open(path, flags, Mode::empty()) {
        Err(Errno::NOENT) => {}
        Err(error) => return Err(whose_it_is(path, error.into())),
        Ok(file) => return Ok(file.into()),
    }
    let make = flags | OFlags::CREATE | OFlags::EXCL;
    match with_umask(mode, || open(path, make, Mode::RUSR | Mode::WUSR)) {
        // Another starting server was faster. Lock files are never removed, so it will stay.
        Err(Errno::EXIST) => Ok(open(path, flags, Mode::empty())?.into()),
        Err(error) => Err(whose_folder(path, error.into())),
        Ok(file) => {
            let file = File::from(file);
            // The folder's default ACL may have removed permissions that the next start needs.
            if file.metadata()?.mode() & mode != mode {
                file.set_permissions(Permissions::from_mode(mode))?;
            }
            Ok(file)
        }
    }
}
// ANCHOR_END: open_or_make

/// If this user has no permission to open the file, adds to the error who owns it, and what to do.
fn whose_it_is(path: &Path, error: io::Error) -> io::Error {
    let Ok(found) = fs::symlink_metadata(path) else {
        return error;
    };
    let (owner, mode) = (User(found.uid()), found.mode() & 0o777);
    let told = if !found.is_file() {
        format!("it is not a regular file, and belongs to {owner}; {REMOVE_IT}")
    } else if error.kind() != ErrorKind::PermissionDenied {
        return error;
    } else if found.uid() == geteuid().as_raw() && mode & 0o600 != 0o600 {
        format!("{error}; it belongs to {owner}, and its mode is {mode:04o}: change it to 0600")
    } else {
        format!("{error}; it belongs to {owner}; {REMOVE_IT}")
    };
    io::Error::new(error.kind(), told)
}

const REMOVE_IT: &str =
    "if no server needs it, have it removed, or name another path with --socket";

/// If a file cannot be looked up or created because of its folder, adds to the error what is wrong
/// with the folder, and what to do. A folder that does not exist stays `NotFound`.
pub(crate) fn whose_folder(path: &Path, error: io::Error) -> io::Error {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let (kind, found) = (error.kind(), fs::metadata(folder));
    let told = match (kind, found) {
        (ErrorKind::PermissionDenied, Ok(found)) => {
            let (owner, mode) = (User(found.uid()), found.mode() & 0o777);
            format!(
                "{error}; its folder belongs to {owner} and has the mode {mode:04o}: name a path \
                 where you may create files with --socket"
            )
        }
        // As in /proc, where only the kernel creates files.
        (ErrorKind::NotFound, Ok(_)) => {
            let told = "no file can be created in its folder; name another path with --socket";
            return io::Error::new(ErrorKind::Unsupported, told);
        }
        (ErrorKind::NotADirectory, _) => match no_folder(path) {
            Some(file) => format!(
                "{} is not a folder; name another path with --socket",
                file.display()
            ),
            None => return error,
        },
        _ => return error,
    };
    io::Error::new(kind, told)
}

/// Returns the first part of the path that stands where a folder should be, and is none.
fn no_folder(path: &Path) -> Option<&Path> {
    let path = path.components().as_path(); // without a slash at its end
    let is_none = |part: &&Path| fs::metadata(part).is_ok_and(|found| !found.is_dir());
    path.ancestors().filter(is_none).last()
}
