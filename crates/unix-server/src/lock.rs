//! Of two servers that start at once, one serves.
//!
//! Looking whether somebody listens and then binding are two steps, and another server fits
//! between them. So whoever wants `PATH` holds a lock on `PATH.lock` for life. The kernel gives it
//! back however its holder ends. The file stays: removing it would let two servers hold locks on
//! two files of the same name.

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The lock on a socket's path. Dropping it gives the lock back.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// The file to lock, beside the socket.
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
    /// If the file cannot be opened: also when it is a symlink, which is never followed, or no
    /// regular file.
    pub(crate) fn take(path: &Path) -> io::Result<Option<Lock>> {
        // ANCHOR: take
        // Non-blocking, so that a FIFO in its place cannot hold the server up.
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = open(path, flags, Mode::RUSR | Mode::WUSR)?;
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("it is no regular file"));
        }
        let file = File::from(file);
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
        // ANCHOR_END: take
    }
}
