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
