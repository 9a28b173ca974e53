//! `docs/src/appendix-python-socket.md` has a row for every name of Python's `socket`.
#![cfg(target_os = "linux")] // elsewhere Python has other names

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

mod skipped;

/// One line a name: what it is, and how a program writes it. Modules that Python's own imports, and
/// what it has from `enum`, are not its names.
const LIST: &str = r#"
import enum, socket, types
for name in dir(socket):
    value = getattr(socket, name)
    if name.startswith("_") or isinstance(value, types.ModuleType) or hasattr(enum, name):
        continue
    if type(value).__name__ == "PyCapsule":
        continue
    print("constant" if isinstance(value, int) and name[0].isupper() else "name", name)
for name in dir(socket.socket):
    if not name.startswith("_"):
        print("name", name)
"#;

/// What stands in code in the first columns of the page's tables, without `s.`, `socket.` and `()`;
/// the prefixes of `CAN_*` apart.
fn rows() -> (BTreeSet<String>, Vec<String>) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/appendix-python-socket.md");
    let page = std::fs::read_to_string(path).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let cells = rows.map(|line| line.split(" | ").next().unwrap());
    let code = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let words = code.map(|code| {
        let name = code.strip_prefix("socket.").or(code.strip_prefix("s."));
        let name = name.unwrap_or(code);
        name.split('(').next().unwrap().to_owned()
    });
    let (families, names): (Vec<_>, Vec<_>) = words.partition(|word| word.ends_with('*'));
    let prefix = |word: &String| word.trim_end_matches('*').to_owned();
    (
        names.into_iter().collect(),
        families.iter().map(prefix).collect(),
    )
}

#[test]
fn every_name_of_pythons_socket_has_a_row() {
    let python = Command::new("python3").args(["-c", LIST]).output();
    let Ok(python) = python else {
        return skipped::skipped("python3 is not installed: its names are not looked for");
    };
    assert!(python.status.success(), "{python:?}");
    let list = String::from_utf8(python.stdout).unwrap();
    let (names, families) = rows();
    assert!(
        families
            .iter()
            .all(|prefix| prefix.len() >= 3 && prefix.ends_with('_')),
        "a family would have everything: {families:?}"
    );
    let is_there = |line: &&str| {
        let (kind, name) = line.split_once(' ').unwrap();
        names.contains(name)
            || (kind == "constant" && families.iter().any(|prefix| name.starts_with(prefix)))
    };
    assert!(list.lines().count() > 300, "only {}", list.lines().count());
    let missing: Vec<&str> = list.lines().filter(|line| !is_there(line)).collect();
    assert!(
        missing.is_empty(),
        "docs/src/appendix-python-socket.md has no row for {missing:#?}"
    );
}
