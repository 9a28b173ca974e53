//! Where the program creates files: sockets during the run, and results at its end. Both places are
//! tested before anything is measured.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::TempDir;

/// How long a folder's path may be, in bytes, so that a socket's name fits: a socket's path has at
/// most 107 bytes (unix(7)).
const LONGEST: usize = 80;
/// A size in bytes that no report reaches.
const REPORT: usize = 2 << 20;

/// Creates a new folder for sockets: in the temporary folder or, if its path is too long for a
/// socket, in `/tmp` or a similar folder.
pub fn for_sockets() -> anyhow::Result<TempDir> {
    let fixed = ["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from);
    let mut reasons = Vec::new();
    for base in [env::temp_dir()].into_iter().chain(fixed) {
        match sockets_in(&base) {
            Ok(folder) => return Ok(folder),
            Err(error) => reasons.push(format!("{}: {error}", base.display())),
        }
    }
    reasons.dedup();
    let reasons = reasons.join("; ");
    bail!("no folder for the sockets; set TMPDIR to a short absolute path: {reasons}")
}

fn sockets_in(base: &Path) -> io::Result<TempDir> {
    if !base.is_absolute() {
        return Err(io::Error::other("not an absolute path"));
    }
    let folder = tempfile::Builder::new()
        .prefix("ipc-bench-")
        .tempdir_in(base)?;
    if folder.path().as_os_str().len() > LONGEST {
        return Err(io::Error::other("too long for the path of a socket"));
    }
    let probe = folder.path().join("probe");
    UnixListener::bind(&probe)?;
    fs::remove_file(&probe)?;
    Ok(folder)
}

/// Tests that these files can be written in this folder, which need not exist yet. Leaves nothing
/// behind.
pub fn can_write(folder: &Path, names: &[&str]) -> anyhow::Result<()> {
    for name in names {
        let path = folder.join(name);
        if path.is_dir() {
            bail!("cannot write {}: it is a folder", path.display());
        }
    }
    // An empty path is the current folder.
    let known = folder.ancestors().map(|place| {
        if place.as_os_str().is_empty() {
            Path::new(".")
        } else {
            place
        }
    });
    let there = known
        .clone()
        .find(|place| place.symlink_metadata().is_ok())
        .unwrap_or(Path::new("."));
    let try_it = || -> io::Result<()> {
        if !there.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        if there != folder && !folder.as_os_str().is_empty() {
            tempfile::tempdir_in(there)?;
        }
        let mut file = tempfile::tempfile_in(there)?;
        file.write_all(&vec![0; REPORT])
    };
    try_it().with_context(|| {
        format!(
            "cannot write to the folder {}; nothing was measured",
            folder.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_found_out_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["report.json"];
        can_write(folder.path(), &names).unwrap();
        can_write(&folder.path().join("not/yet/there"), &names).unwrap();
        can_write(Path::new(""), &names).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(can_write(&file, &names).is_err());
        assert!(can_write(&file.join("below"), &names).is_err());
        fs::create_dir(folder.path().join("report.json")).unwrap();
        assert!(can_write(folder.path(), &names).is_err());
        assert!(can_write(Path::new("/proc/nope"), &names).is_err());
    }

    #[test]
    fn sockets_go_where_they_fit() {
        let base = tempfile::tempdir().unwrap();
        let long = base.path().join("x".repeat(90));
        fs::create_dir(&long).unwrap();
        assert!(sockets_in(&long).is_err());
        assert!(sockets_in(Path::new("relative")).is_err());
        assert!(sockets_in(&base.path().join("missing")).is_err());
        assert!(for_sockets().unwrap().path().is_dir());
    }
}
