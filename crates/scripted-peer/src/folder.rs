//! A fresh folder for the sockets of one test.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of mode 0700 that goes away, with all that is in it, when its last clone does.
///
/// It lies in the temporary folder and its path is short: a socket's path has room for little more
/// than 100 bytes ([unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)).
#[derive(Debug, Clone)]
pub struct Folder(Arc<Owned>);

#[derive(Debug)]
struct Owned(PathBuf);

/// Makes a fresh folder.
///
/// # Panics
///
/// When the temporary folder cannot be written to.
#[must_use]
pub fn folder() -> Folder {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("peer-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Folder(Arc::new(Owned(path))),
            // Left behind by a process that had this number before.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => panic!("cannot make the folder {}: {error}", path.display()),
        }
    }
}

impl Folder {
    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.0
    }

    /// The path of something in it, which need not exist.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
