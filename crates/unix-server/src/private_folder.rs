//! The default place, where the system has no folder for each user.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

/// Makes `folder`, mode 0700, unless it is there: then it must be the user's own, a real folder
/// and no symlink, and closed to all others. In a temporary folder anybody may have put it there.
///
/// # Errors
///
/// If it cannot be made, or is not as it must be; the message says which.
pub fn make_private_folder(folder: &Path, uid: u32) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(folder)?;
    let wrong = if found.is_symlink() {
        "it is a symlink"
    } else if !found.is_dir() {
        "it is no folder"
    } else if found.uid() != uid {
        "it belongs to another user"
    } else if found.mode() & 0o077 != 0 {
        "others may enter it; its mode must be 0700"
    } else {
        return Ok(());
    };
    Err(io::Error::new(ErrorKind::PermissionDenied, wrong))
}
