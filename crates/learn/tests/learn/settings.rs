//! The same verdict wherever a learner works: whatever their settings for Cargo and libtest, their
//! terminal, their language and their folder. Each test prints a row for every environment.

use std::fs;
use std::process::Command;

use crate::environments::{self, all_the_same, set};
use crate::scratch::{Said, Scratch};
use crate::watch::Watching;

const SOLVED: &str = "01_first_words/01_hello";
/// Right, with a warning that strict settings would make an error.
const RIGHT: &str = "fn main() {\n    let unused = 1;\n    println!(\"hello\");\n}\n";

/// What a check of a right answer and of a stub should say, and nothing else of the kind.
const VERDICTS: [&[&str]; 2] = [
    &["✓ says_hello", "✓ is_brief", "01-01 hello is solved."],
    &[
        "✗ says_hello",
        "✗ is_brief",
        "not yet implemented: say hello",
    ],
];

/// A workspace with one exercise solved and one not, to be checked in many environments.
fn workspace() -> Scratch {
    let scratch = Scratch::new();
    prepare(&scratch);
    scratch
}

fn prepare(scratch: &Scratch) {
    scratch.write(&format!("exercises/{SOLVED}/src/main.rs"), RIGHT);
}

/// Checks and watches in one environment; the differences from what it should be.
fn differences(scratch: &Scratch, adjust: &dyn Fn(&mut Command)) -> Vec<String> {
    let _ = fs::remove_file(scratch.file(".learn-state"));
    let commands = [["check", "01-01"], ["check", "02-01"]];
    let mut differences = Vec::new();
    for (args, expected) in commands.iter().zip(VERDICTS) {
        let mut command = scratch.command(args);
        adjust(&mut command);
        let said = Said::of(&mut command, "");
        let success = args[1] == "01-01";
        let story = said.text.contains("\nsays_hello\n\n   0.1 ms  peer") || success;
        if verdict(&said.text) != expected || said.success != success || !story {
            differences.push(format!("{args:?} said:\n{}", said.text));
        }
    }
    let state = fs::read_to_string(scratch.file(".learn-state")).unwrap_or_default();
    if !state.ends_with("01-01 first_words/hello\n") {
        differences.push(format!("the state is {state:?}"));
    }
    let mut command = scratch.command(&["watch", "01-01"]);
    adjust(&mut command);
    let mut watching = Watching::start(&mut command);
    watching.says("01-01 hello is solved.");
    watching.leaves();
    differences
}

/// The lines that make the verdict, without colors.
pub fn verdict(text: &str) -> Vec<String> {
    // On a terminal, what is written over ends with the return to the line's start.
    let last = |line: &str| line.trim_end().rsplit('\r').next().map(plain);
    let lines = text.lines().filter_map(last);
    let lines = lines.map(|line| line.trim().to_owned());
    let telling = |line: &String| {
        let signs = ["✓ ", "✗ ", "- ", "Stuck"];
        let words = [
            "is solved.",
            "not compile",
            "not build",
            "ended before",
            " passed, ",
        ];
        signs.iter().any(|sign| line.starts_with(sign))
            || words.iter().any(|word| line.contains(word))
            || (line.contains("not yet implemented") && !line.starts_with("program:"))
            || line == "program: not yet implemented: say hello"
    };
    let told = lines.filter(telling);
    told.map(|line| line.replace("program: ", "")).collect()
}

fn plain(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(
            part.split_once(['m', 'K', 'J', 'H'])
                .map_or("", |(_, rest)| rest),
        );
    }
    text
}

#[track_caller]
fn in_environments(environments: &[&str]) {
    let scratch = workspace();
    all_the_same(environments.iter().map(|settings| {
        let adjust = |command: &mut Command| set(command, settings);
        ((*settings).to_owned(), differences(&scratch, &adjust))
    }));
}

#[test]
#[ignore = "a dozen environments; .ci/run runs it"]
fn settings_of_cargo_in_the_environment_change_no_verdict() {
    in_environments(environments::CARGO);
}

#[test]
#[ignore = "a dozen environments; .ci/run runs it"]
fn settings_of_rustc_and_libtest_in_the_environment_change_no_verdict() {
    in_environments(environments::RUST);
}

#[test]
fn languages_and_terminals_by_name_change_no_verdict() {
    in_environments(environments::LANGUAGES);
}

#[test]
#[ignore = "a dozen environments; .ci/run runs it"]
fn settings_at_home_change_no_verdict() {
    let scratch = workspace();
    let home = tempfile::tempdir().expect("a temporary folder");
    all_the_same(environments::HOMES.iter().map(|config| {
        fs::write(home.path().join("config.toml"), config).expect("it can be written");
        let adjust = |command: &mut Command| {
            command.env("CARGO_HOME", home.path());
        };
        (config.replace('\n', " "), differences(&scratch, &adjust))
    }));
}

#[test]
fn the_name_of_the_folder_changes_no_verdict() {
    all_the_same(environments::FOLDERS.iter().map(|name| {
        let scratch = Scratch::within(name);
        prepare(&scratch);
        ((*name).to_owned(), differences(&scratch, &|_| ()))
    }));
}

#[cfg(unix)]
#[test]
fn a_symlink_on_the_way_changes_no_verdict() {
    let scratch = workspace();
    let beside = tempfile::tempdir().expect("a temporary folder");
    let link = beside.path().join("link");
    std::os::unix::fs::symlink(scratch.path(), &link).expect("a link can be made");
    let adjust = |command: &mut Command| {
        command.current_dir(&link).env("PWD", &link);
    };
    all_the_same([("a symlink".to_owned(), differences(&scratch, &adjust))].into_iter());
}
