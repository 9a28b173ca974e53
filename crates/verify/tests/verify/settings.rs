//! The same verdict wherever an author works, in the environments of `cargo learn`'s own test of this.

use std::fs;
use std::process::Command;

use crate::environments::{self, all_the_same, set};
use crate::scratch::{Said, Scratch};

/// Proves one exercise in one environment; the difference from what it should be.
fn difference(scratch: &Scratch, adjust: &dyn Fn(&mut Command)) -> Vec<String> {
    let mut command = scratch.command(&["02-01"]);
    adjust(&mut command);
    let said = Said::of(&mut command, "");
    let right = said.success && said.text.ends_with("\n1 passed, 0 failed\n");
    (!right).then_some(said.text).into_iter().collect()
}

#[track_caller]
fn in_environments(environments: &[&str]) {
    let scratch = Scratch::new();
    all_the_same(environments.iter().map(|settings| {
        let adjust = |command: &mut Command| set(command, settings);
        ((*settings).to_owned(), difference(&scratch, &adjust))
    }));
}

#[test]
#[ignore = "a dozen environments; .ci/run runs it"]
fn settings_of_cargo_in_the_environment_change_no_proof() {
    in_environments(environments::CARGO);
}

#[test]
#[ignore = "a dozen environments; .ci/run runs it"]
fn settings_of_rustc_and_libtest_in_the_environment_change_no_proof() {
    in_environments(environments::RUST);
    in_environments(environments::LANGUAGES);
}

#[test]
#[ignore = "a dozen environments; .ci/run runs it"]
fn settings_at_home_change_no_proof() {
    let scratch = Scratch::new();
    let home = tempfile::tempdir().expect("a temporary folder");
    all_the_same(environments::HOMES.iter().map(|config| {
        fs::write(home.path().join("config.toml"), config).expect("it can be written");
        let adjust = |command: &mut Command| {
            command.env("CARGO_HOME", home.path());
        };
        (config.replace('\n', " "), difference(&scratch, &adjust))
    }));
}

#[test]
#[ignore = "a workspace for each folder; .ci/run runs it"]
fn the_name_of_the_folder_changes_no_proof() {
    all_the_same(environments::FOLDERS.iter().map(|name| {
        let scratch = Scratch::within(name);
        ((*name).to_owned(), difference(&scratch, &|_| ()))
    }));
}
