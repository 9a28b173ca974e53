//! The default folder belongs only to this user.

use crate::modes::{give_back, with_umask};
use shared_proto::{SocketFolder, UnusableFolder};
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Prepares the folder of the default path: creates it with mode 0700, if it is the
/// [private](SocketFolder::Private) one and does not exist, and checks it with
/// [`SocketFolder::check`]. The check is needed because anyone may have created a folder in the
/// temporary folder, and the environment may name another user's folder. An existing folder is
/// never changed.
///
/// Changes the umask of the whole process (`umask(2)`) for a moment, so call it before any thread
/// is started.
///
/// # Errors
///
/// If the folder cannot be created, or fails the check; the message names the folder and the
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
