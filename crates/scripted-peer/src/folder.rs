//! A fresh folder for the sockets of one test.

use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use crate::machine;
use crate::reaper;

/// A folder of mode 0700 that is removed, with everything in it, when its last clone is dropped.
///
/// It is in the temporary folder, and its path is short, because a socket's path has room for
/// little more than 100 bytes ([unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)). If
/// `TMPDIR` names a folder whose path is too long, or that can't hold sockets, this folder is in
/// `/tmp` or a similar place.
#[derive(Debug, Clone)]
pub struct Folder(Arc<Owned>);

#[derive(Debug)]
struct Owned(PathBuf);

/// How long a folder's path may be, in bytes, so that a socket with a name of some 30 bytes fits: a
/// socket's path has room for 103 bytes on macOS and for 107 on Linux.
const LONGEST: usize = 70;

/// Creates a fresh folder. If this machine has no folder that can hold sockets, the test ends with
/// a sentence that says so.
#[must_use]
pub fn folder() -> Folder {
    static BASE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let base = BASE.get_or_init(|| first_usable(&places(), holds_sockets));
    let made = match base {
        Ok(base) => fresh(base).map_err(|error| format!("{}: {error}", base.display())),
        Err(reasons) => Err(reasons.clone()),
    };
    made.unwrap_or_else(|reasons| {
        machine::no_verdict(
            "a folder for the check's sockets",
            &reasons,
            "No temporary folder of this machine can hold the check's sockets. Set TMPDIR to a \
             folder that you may write to, with a short absolute path, on a local disk.",
        )
    })
}

/// Creates a fresh folder for a copy of the program that user `uid` can run, because that user may
/// not have permission to enter the folder that contains the program.
pub(crate) fn folder_of_programs(program: &Path, uid: u32) -> Folder {
    let beside = program.parent().map(Path::to_path_buf);
    let places: Vec<PathBuf> = places().into_iter().chain(beside).collect();
    let runs = |base: &Path| runs_programs(base);
    let made = first_usable(&places, runs).and_then(|base| {
        let folder = fresh(&base).map_err(|error| format!("{}: {error}", base.display()))?;
        let open = fs::Permissions::from_mode(0o711);
        fs::set_permissions(folder.path(), open).map_err(|error| error.to_string())?;
        Ok(folder)
    });
    made.unwrap_or_else(|reasons| {
        machine::no_verdict(
            &format!("a folder from which uid {uid} may run programs"),
            &reasons,
            "No temporary folder of this machine lets another user run a program (mounted with \
             `noexec`?). Set TMPDIR to a folder that does.",
        )
    })
}

/// Where the folder may be created, the best place first.
fn places() -> Vec<PathBuf> {
    let fixed = ["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from);
    let mut places = vec![env::temp_dir()];
    places.extend(fixed.into_iter().filter(|place| *place != env::temp_dir()));
    places
}

/// Returns the first place that passes the test, or why each of them failed it.
fn first_usable(
    places: &[PathBuf],
    usable: impl Fn(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let mut reasons = Vec::new();
    for place in places {
        match usable(place) {
            Ok(()) => return Ok(place.clone()),
            Err(reason) => reasons.push(format!("{}: {reason}", place.display())),
        }
    }
    Err(reasons.join("; "))
}

/// Tests that a socket can be created in a folder in `base`, and that the path has room for its
/// name.
fn holds_sockets(base: &Path) -> Result<(), String> {
    if !base.is_absolute() {
        return Err("not an absolute path".to_owned());
    }
    let folder = fresh(base).map_err(|error| error.to_string())?;
    let length = folder.path().as_os_str().len();
    if length > LONGEST {
        return Err("too long for the path of a socket".to_owned());
    }
    UnixListener::bind(folder.join("probe"))
        .map(drop)
        .map_err(|error| format!("no socket can be created there: {error}"))
}

/// Tests that every user can execute programs in a folder in `base`.
fn runs_programs(base: &Path) -> Result<(), String> {
    if !base.is_absolute() {
        return Err("not an absolute path".to_owned());
    }
    let closed = |place: &&Path| {
        !fs::metadata(place).is_ok_and(|place| place.permissions().mode() & 0o001 != 0)
    };
    if let Some(place) = base.ancestors().find(closed) {
        return Err(format!(
            "{} is not accessible to other users",
            place.display()
        ));
    }
    if forbids_execution(base) {
        return Err("mounted with `noexec`".to_owned());
    }
    fresh(base).map(drop).map_err(|error| error.to_string())
}

#[cfg(target_os = "linux")]
fn forbids_execution(base: &Path) -> bool {
    use rustix::fs::{StatVfsMountFlags, statvfs};
    statvfs(base).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::NOEXEC))
}

#[cfg(not(target_os = "linux"))]
fn forbids_execution(_: &Path) -> bool {
    false
}

fn fresh(base: &Path) -> io::Result<Folder> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = base.join(format!("peer-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => {
                // If this process is killed, nothing is dropped.
                reaper::add_folder(&path);
                break Ok(Folder(Arc::new(Owned(path))));
            }
            // Left behind by an earlier process with the same process ID.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => break Err(error),
        }
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}

impl Folder {
    /// Returns the folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.0
    }

    /// Returns the path of `name` in this folder. The file need not exist.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
