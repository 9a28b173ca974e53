//! The permissions of the files that this server creates: exactly those that it asks for.
//!
//! Three things can change the mode that a program asks for: the umask that it was started with, a
//! folder's default ACL (`acl(5)`), and a file system with its own modes. The umask is replaced
//! while a file is created, so that the file never has a permission that it should not have: to
//! remove one afterwards would be too late if someone had already used it. A permission that the
//! ACL removed is added again.

use rustix::fs::{Mode, RawMode};
use rustix::process::umask;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Creates a file while the umask allows exactly `mode`. The umask belongs to the whole process:
/// call this before any thread is started.
// ANCHOR: with_umask
pub(crate) fn with_umask<T>(mode: u32, make: impl FnOnce() -> T) -> T {
    let before = umask(Mode::from_raw_mode((!mode & 0o777) as RawMode));
    let made = make();
    umask(before);
    made
}
// ANCHOR_END: with_umask

/// Checks the file that was just created, and adds the permissions of `mode` that it lacks.
///
/// # Errors
///
/// If the file cannot have exactly this mode, or another file has taken its place.
pub(crate) fn give_back(path: &Path, made: &Metadata, mode: u32) -> io::Result<()> {
    let lacks = |found: &Metadata| {
        let found = found.mode() & 0o777;
        if found & !mode != 0 {
            return Err(io::Error::other(format!(
                "it should have the mode {mode:04o}, and its file system gives it {found:04o}"
            )));
        }
        Ok(found != mode)
    };
    if lacks(made)? {
        change_mode(path, made, mode)?;
        if lacks(&fs::symlink_metadata(path)?)? {
            return Err(io::Error::new(
                ErrorKind::PermissionDenied,
                format!("its file system does not give it the mode {mode:04o}"),
            ));
        }
    }
    Ok(())
}

/// The device and the inode number, which distinguish two files of the same name.
pub(crate) fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// `chmod`, but never through a symlink that someone has put there meanwhile.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn change_mode(path: &Path, made: &Metadata, mode: u32) -> io::Result<()> {
    use rustix::fs::{OFlags, chmod, open};
    use std::fs::File;
    use std::os::fd::AsRawFd;

    // A descriptor that only points to the file: a socket cannot be opened in any other way.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty())?);
    if identity(&file.metadata()?) != identity(made) {
        return Err(io::Error::other("another file has taken its place"));
    }
    let file = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(chmod(file, Mode::from_raw_mode(mode as RawMode))?)
}

/// `chmod`, but never through a symlink that someone has put there meanwhile.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn change_mode(path: &Path, _made: &Metadata, mode: u32) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, chmodat};
    let mode = Mode::from_raw_mode(mode as RawMode);
    Ok(chmodat(CWD, path, mode, AtFlags::SYMLINK_NOFOLLOW)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use tempfile::TempDir;

    fn file_of_mode(path: &Path, mode: u32) -> Metadata {
        fs::write(path, "").unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        fs::symlink_metadata(path).unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn what_is_missing_is_given_back() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("file");
        for too_little in [0, 0o400, 0o200, 0o600] {
            let made = file_of_mode(&path, too_little);
            give_back(&path, &made, 0o600).unwrap();
            assert_eq!(mode(&path), 0o600);
        }
    }

    #[test]
    fn what_others_had_for_a_moment_is_refused_and_not_hidden() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("file");
        for too_much in [0o644, 0o602, 0o440] {
            let made = file_of_mode(&path, too_much);
            let told = give_back(&path, &made, 0o600).unwrap_err().to_string();
            assert!(told.contains("0600"), "{told}");
            assert_eq!(mode(&path), too_much);
        }
    }

    #[test]
    fn what_has_taken_its_place_keeps_its_mode() {
        let folder = TempDir::new().unwrap();
        let (path, moved) = (folder.path().join("file"), folder.path().join("moved"));
        let made = file_of_mode(&path, 0o400);
        fs::rename(&path, &moved).unwrap();
        symlink("moved", &path).unwrap();
        give_back(&path, &made, 0o600).unwrap_err();
        assert_eq!(mode(&moved), 0o400, "no symlink is followed");
        if cfg!(any(target_os = "linux", target_os = "android")) {
            fs::remove_file(&path).unwrap();
            file_of_mode(&path, 0o400);
            give_back(&path, &made, 0o600).unwrap_err();
            assert_eq!(mode(&path), 0o400, "nor another file taken for it");
        }
    }
}
