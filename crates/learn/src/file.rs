//! Writes a file completely or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Replaces the file at `path`, or creates it. The text is written to a new file in the same
/// folder, which is then renamed, so that neither a full disk nor a concurrent reader ever sees a
/// partial file. After an error, the file is unchanged, and nothing is left behind.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let replaced = File::create(&beside)
        // Some file systems notice only here that they are full.
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if replaced.is_err() {
        // If it could not even be created, there is nothing to remove.
        let _ = fs::remove_file(&beside);
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_replaced_is_left_alone_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state");
        fs::create_dir_all(path.join("in the way")).expect("a folder");
        replace(&path, b"new").expect_err("a folder is no file");
        let left: Vec<_> = fs::read_dir(folder.path()).expect("it is there").collect();
        assert_eq!(left.len(), 1, "{left:?}");
        replace(&folder.path().join("other"), b"new").expect("there is room");
        assert_eq!(
            fs::read(folder.path().join("other")).expect("it is there"),
            b"new"
        );
    }
}
