//! The default folder belongs only to this user.

use crate::modes::{give_back, with_umask};
use shared_proto::{SocketFolder, UnusableFolder};
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Creates the private folder, mode 0700, unless it exists, and checks that it belongs to the user
/// and is closed to all others: in a temporary folder anyone may have created it, and an
/// environment variable may name another user's folder. An existing folder is never changed.
///
/// Changes the process's umask for a moment: to be called before any thread is started.
///
/// # Errors
///
/// If it cannot be created, or has the wrong owner or mode; the message names the folder and the
/// reason.
pub fn prepare_folder(folder: &SocketFolder, uid: u32) -> Result<(), UnusableFolder> {
    folder.check(uid)?;
    if let SocketFolder::Private(path) = folder {
        make_private(path).map_err(|error| folder.cannot_be_made(&error))?;
    }
    folder.check(uid)
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mode = 0o700;
    match with_umask(mode, || DirBuilder::new().mode(mode).create(folder)) {
        Ok(()) => give_back(folder, &fs::symlink_metadata(folder)?, mode),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
