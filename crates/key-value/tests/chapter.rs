//! What chapter 18 prints beside the listings is true of this package.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use scripted_peer::{folder, needs};
use toml::{Table, Value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of this package, as its reader has it: from `mod messages;` on, without anchors.
fn source(file: &str) -> String {
    let lines = lines(file).into_iter();
    let own = lines.skip_while(|line| line != "mod messages;\n");
    own.filter(|line| !line.contains("// ANCHOR")).collect()
}

/// What the chapter includes of it.
fn part(file: &str, anchor: &str) -> String {
    let (begin, end) = (
        format!("ANCHOR: {anchor}\n"),
        format!("ANCHOR_END: {anchor}\n"),
    );
    let lines = lines(file).into_iter();
    let rest = lines.skip_while(|line| !line.ends_with(&begin)).skip(1);
    rest.take_while(|line| !line.ends_with(&end)).collect()
}

fn lines(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = fs::read_to_string(path).unwrap();
    text.split_inclusive('\n').map(str::to_owned).collect()
}

/// Puts `new` in the place of what stands from `begin` up to `end`, which stays.
fn put(text: &mut String, begin: &str, end: &str, new: &str) {
    let from = text.find(begin).unwrap_or_else(|| panic!("no {begin}"));
    let length = text[from..].find(end).unwrap_or_else(|| panic!("no {end}"));
    text.replace_range(from..from + length, new);
}

/// Without what a formatter decides.
fn tokens(text: &str) -> String {
    let text: String = text.split_whitespace().collect();
    text.replace(",)", ")")
}

#[test]
fn each_step_is_the_one_before_it_and_what_the_chapter_says() {
    let [own_map, one_map, later, two_doors] =
        ["own_map", "one_map", "later", "two_doors"].map(|step| format!("examples/ch18_{step}.rs"));

    let mut text = source(&own_map);
    let hash_map = "use std::collections::HashMap;\n";
    put(&mut text, hash_map, "\nuse anyhow", &part(&one_map, "uses"));
    let (store, next) = ("#[derive(Default)]", "\nimpl Service");
    put(&mut text, store, next, &part(&one_map, "store"));
    put(&mut text, "impl Store {\n    fn search", "fn main", "");
    let (found, answer) = ("        let found =", "        match found");
    put(&mut text, found, answer, &part(&one_map, "call"));
    let (start, said) = ("    let server = server.start", "    println!");
    put(&mut text, start, said, &part(&one_map, "start"));
    assert_eq!(tokens(&text), tokens(&source(&one_map)));

    put(
        &mut text,
        "\nuse anyhow",
        "use anyhow",
        "use std::thread;\n\n",
    );
    put(&mut text, "_: &'a Context", ": &'a Context", "context");
    let (search, del) = ("            Request::Search", "            Request::Del");
    put(&mut text, search, del, &part(&later, "later"));
    assert_eq!(tokens(&text), tokens(&source(&later)));

    let (mut text, last) = (source(&two_doors), "src/main.rs");
    put(
        &mut text,
        "use anyhow",
        "\nuse messages",
        &part(last, "uses"),
    );
    let main = text.find("fn main()").unwrap();
    text.replace_range(main.., &part(last, "main"));
    assert_eq!(tokens(&text), tokens(&source(last)));
}

/// Each dependency, with the features that it is asked for here.
fn dependencies(manifest: &Table, kind: &str) -> BTreeMap<String, Vec<Value>> {
    let features = |dependency: &Value| {
        let features = dependency.get("features").and_then(Value::as_array);
        features.cloned().unwrap_or_default()
    };
    let all = manifest[kind].as_table().unwrap();
    all.iter()
        .map(|(name, dependency)| (name.clone(), features(dependency)))
        .collect()
}

#[test]
fn the_manifest_that_is_printed_is_this_ones() {
    let chapter = fs::read_to_string(root().join("docs/src/18-and-mine.md")).unwrap();
    let printed = chapter.split("```toml\n").nth(1).unwrap();
    let printed: Table = printed.split("```").next().unwrap().parse().unwrap();
    let own = fs::read_to_string(root().join("crates/key-value/Cargo.toml")).unwrap();
    let own: Table = own.parse().unwrap();

    assert_eq!(printed["bin"], own["bin"]);
    for field in ["name", "default-run"] {
        assert_eq!(printed["package"][field], own["package"][field], "{field}");
    }
    assert_eq!(
        dependencies(&printed, "dependencies"),
        dependencies(&own, "dependencies")
    );
    let tests = dependencies(&printed, "dev-dependencies");
    assert!(tests.keys().eq(["scripted-peer"]), "{tests:?}");
    // What is printed with a path is a crate of this workspace, at that path.
    for kind in ["dependencies", "dev-dependencies"] {
        for (name, dependency) in printed[kind].as_table().unwrap() {
            let Some(path) = dependency.get("path").and_then(Value::as_str) else {
                continue;
            };
            let path = path.strip_prefix("../pocket-sockets/").unwrap();
            assert!(root().join(path).join("Cargo.toml").is_file(), "{name}");
        }
    }
}

#[test]
fn the_user_units_are_found_right_by_systemd_analyze() {
    let tool = Command::new("systemd-analyze").arg("--version").output();
    if tool.is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI must have it");
        needs::skip("systemd-analyze is not installed");
        return;
    }
    let folder = folder();
    let mut verify = Command::new("systemd-analyze");
    verify.args(["--user", "verify", "--man=no"]);
    // It looks whether the program is there: here it is somewhere else.
    for kind in ["socket", "service"] {
        let name = format!("key-value.{kind}");
        let text = fs::read_to_string(root().join("docs/listings/systemd").join(&name)).unwrap();
        let program = env!("CARGO_BIN_EXE_key-value");
        let text = text.replace("%h/.cargo/bin/key-value", program);
        fs::write(folder.join(&name), text).unwrap();
        verify.arg(folder.join(&name));
    }
    verify.env("XDG_RUNTIME_DIR", folder.path());
    let output = verify.output().unwrap();
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert_eq!(said, "", "nothing to be warned of");
}
