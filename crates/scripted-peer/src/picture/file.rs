//! Where the pictures of a package lie: in `learn` under Cargo's target folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::account::root;

/// `04-01` for the exercise `ex-04-01`; other packages by their names. Nothing where Cargo doesn't run
/// the tests.
pub(super) fn name() -> Option<String> {
    let package = std::env::var("CARGO_PKG_NAME").ok()?;
    let name = package.strip_prefix("ex-").unwrap_or(&package);
    (!name.is_empty()).then(|| name.to_owned())
}

/// Writes the file as a whole or not at all, and says how to name it: from the workspace's folder, if
/// it lies there.
pub(super) fn write(name: &str, page: &str) -> Option<String> {
    let folder = folder()?;
    let file = folder.join(format!("{name}.html"));
    let part = folder.join(format!(".{name}.{}", std::process::id()));
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&part, page))
        .and_then(|()| fs::rename(&part, &file));
    if written.is_err() {
        let _ = fs::remove_file(&part);
        return None;
    }
    let root = root();
    let shown = root.and_then(|root| file.strip_prefix(root).ok().map(Path::to_path_buf));
    Some(shown.unwrap_or(file).display().to_string())
}

pub(super) fn remove() {
    if let (Some(folder), Some(name)) = (folder(), name()) {
        let _ = fs::remove_file(folder.join(format!("{name}.html")));
    }
}

/// Cargo marks its target folder with a `CACHEDIR.TAG`, and this program lies in it.
fn folder() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let target = program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())?;
    Some(target.join("learn"))
}
