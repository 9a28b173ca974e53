//! The rooms of this crate: from the ground up, and none that use each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The rooms in the order of `lib.rs`, each with the number of its group and the rooms that it uses.
fn rooms() -> BTreeMap<String, (usize, BTreeSet<String>)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    let mut rooms = BTreeMap::new();
    for (group, text) in lib.split("\n\n").enumerate() {
        let lines = text.lines().map(|line| line.trim_start_matches("pub "));
        let names = lines.filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
        for name in names {
            let mut used = uses(&src.join(name).with_extension("rs"));
            for file in fs::read_dir(src.join(name)).into_iter().flatten().flatten() {
                used.extend(uses(&file.path()));
            }
            used.remove(name);
            rooms.insert(name.to_owned(), (group, used));
        }
    }
    rooms
}

/// What stands after `crate::` in the code of this file.
fn uses(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let uses = lines.flat_map(|line| line.split("crate::").skip(1));
    let name = |rest: &str| {
        rest.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    uses.map(name).collect()
}

#[test]
fn a_room_uses_no_room_of_a_later_group() {
    let rooms = rooms();
    assert!(rooms.len() > 20, "{rooms:?}");
    for (name, (group, used)) in &rooms {
        let above = used
            .iter()
            .filter_map(|used| Some((used, rooms.get(used)?)));
        for (used, (later, _)) in above {
            assert!(later <= group, "{name}.rs uses {used}.rs, which is later");
        }
    }
}

#[test]
fn no_two_rooms_use_each_other() {
    let mut left = rooms();
    // What uses nothing that is left stands on the ground: take it away, again and again.
    loop {
        let names: BTreeSet<String> = left.keys().cloned().collect();
        let before = left.len();
        left.retain(|_, (_, used)| !used.is_disjoint(&names));
        if left.len() == before {
            break;
        }
    }
    assert!(left.is_empty(), "in a ring, or upon one: {:?}", left.keys());
}
