//! Where the pictures of a package are stored: in the folder `learn` of Cargo's target folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::account::root;

/// Returns the file's name: `04-01` for the exercise `ex-04-01`, and for other packages their own
/// name. Returns `None` if the tests aren't run by Cargo.
pub(super) fn name() -> Option<String> {
    let package = std::env::var("CARGO_PKG_NAME").ok()?;
    let name = package.strip_prefix("ex-").unwrap_or(&package);
    (!name.is_empty()).then(|| name.to_owned())
}

/// Writes the file completely or not at all, and returns its path, which is relative to the
/// workspace's folder if the file is in it.
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

/// Returns the position of a check in the file that contains the exercise's checks.
pub(super) fn place(test: &str) -> usize {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let checks = package.map(|package| package.join("tests/check.rs"));
    let source = checks.and_then(|checks| fs::read_to_string(checks).ok());
    place_in(&source.unwrap_or_default(), test)
}

fn place_in(source: &str, test: &str) -> usize {
    let function = source.find(&format!("fn {test}("));
    // A macro may define the function.
    function.or_else(|| source.find(test)).unwrap_or(usize::MAX)
}

/// Returns the target folder. Cargo marks one that it has created with a `CACHEDIR.TAG`. A folder
/// that existed before, such as a mounted one, has no mark, but it contains the profile's folder
/// with the tests in `deps`.
fn folder() -> Option<PathBuf> {
    target(&std::env::current_exe().ok()?).map(|target| target.join("learn"))
}

fn target(program: &Path) -> Option<&Path> {
    let marked = |folder: &&Path| folder.join("CACHEDIR.TAG").is_file();
    let tests = |folder: &&Path| folder.ends_with("deps");
    let mut above = program.ancestors().skip(1);
    above
        .clone()
        .find(marked)
        .or_else(|| above.find(tests)?.ancestors().nth(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_found_where_they_are_written() {
        let source = "// after b\nfn a() {}\nfn b() {}\nmade! { c }\n";
        let places = ["a", "b", "made", "not_there"].map(|test| place_in(source, test));
        assert!(places.is_sorted(), "{places:?}");
        assert_eq!(places[3], usize::MAX);
    }

    #[test]
    fn a_target_folder_without_cargos_mark_is_found() {
        let found = |program| target(Path::new(program));
        let target = Some(Path::new("/no-such-folder/target"));
        assert_eq!(found("/no-such-folder/target/debug/deps/check-1"), target);
        assert_eq!(found("/no-such-folder/target/debug/program"), None);
    }
}
