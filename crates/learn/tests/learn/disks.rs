//! Disks that are full, read-only or forbid to run programs: the verdict is shown all the same, or
//! the disk gets the blame. The disks are file systems in memory, in namespaces of their own.

use std::process::Command;

use crate::scratch::{Said, Scratch};
use crate::settings::verdict;

const FIRST: &str = "01_first_words/01_hello";
const RIGHT: [&str; 3] = ["✓ says_hello", "✓ is_brief", "01-01 hello is solved."];
/// A disk of half a megabyte at `$DISK`, with the workspace on it and nothing free.
const FULL: &str = "mount -t tmpfs -o size=512k none \"$DISK\" && cp -a . \"$DISK\" && cd \"$DISK\" && \
    { cat /dev/zero > filling 2> /dev/null; true; }";

/// Runs `script`, then what it is told to: in mount namespaces of its own. None, with a word why, where
/// this system doesn't allow it.
fn in_a_namespace(scratch: &Scratch, script: &str, args: &[&str], after: &str) -> Option<Said> {
    let namespaces = ["--mount", "--user", "--map-root-user"];
    let allowed = Command::new("unshare")
        .args(namespaces)
        .arg("true")
        .output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: mount namespaces are not allowed here");
        return None;
    }
    let disk = scratch.file("../disk");
    std::fs::create_dir_all(&disk).expect("a folder");
    let learn = scratch.command(args);
    let mut command = Command::new("unshare");
    command.args(namespaces).args(["sh", "-c"]);
    command.arg(format!(
        "{script} || exit 77\n\"$0\" \"$@\"; code=$?\n{after}\nexit $code"
    ));
    command.arg(learn.get_program()).args(learn.get_args());
    command.current_dir(scratch.path());
    for (name, value) in learn.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .env("DISK", disk)
        .env("CARGO_TARGET_DIR", scratch.file("../built"));
    Some(Said::of(&mut command, ""))
}

fn workspace() -> Scratch {
    let scratch = Scratch::new();
    scratch.solve(FIRST);
    scratch
}

#[test]
fn a_full_disk_keeps_no_progress_and_no_verdict_back() {
    let scratch = workspace();
    // Cargo writes its lock file at the first build.
    let mut first = scratch.command(&["check", "02-01"]);
    first.env("CARGO_TARGET_DIR", scratch.file("../built"));
    Said::of(&mut first, "").fails();
    let args = ["check", "01-01"];
    let Some(said) = in_a_namespace(&scratch, FULL, &args, "ls -A") else {
        return;
    };
    assert_eq!(verdict(&said.text), RIGHT, "{}", said.text);
    said.succeeds()
        .says("your progress could not be saved: cannot write ")
        .says("No space left on device")
        .never_says(".new\n");
}

#[test]
fn a_full_disk_leaves_an_exercise_whole_at_a_reset() {
    let scratch = workspace();
    let own = format!("exercises/{FIRST}/src/main.rs");
    let after = format!("cat {own}; ls -A .learn-backups");
    let Some(said) = in_a_namespace(&scratch, FULL, &["reset", "01-01"], &after) else {
        return;
    };
    said.fails()
        .says("No space left on device")
        .says("println!(\"hello\")")
        .never_says(".new\n");
}

#[test]
fn a_read_only_folder_shows_the_verdict_and_says_that_progress_is_not_kept() {
    let scratch = workspace();
    scratch.learn(&["check", "02-01"]).fails();
    let script = "mount --bind . . && mount -o remount,bind,ro . && mount -t tmpfs none \"$DISK\" && \
        export CARGO_TARGET_DIR=\"$DISK\" && cd .";
    let Some(said) = in_a_namespace(&scratch, script, &["check", "01-01"], "") else {
        return;
    };
    assert_eq!(verdict(&said.text), RIGHT, "{}", said.text);
    said.succeeds().says("Read-only file system");
}

#[test]
fn a_disk_that_is_full_or_forbids_programs_is_not_the_compilers_complaint() {
    for (script, expected) in [
        (
            "mount -t tmpfs -o size=64k none \"$DISK\" && export CARGO_TARGET_DIR=\"$DISK\"",
            "Cargo could not build it, for the reason above.",
        ),
        (
            "mount -t tmpfs -o noexec none \"$DISK\" && export CARGO_TARGET_DIR=\"$DISK\"",
            "It compiles, but its checks cannot be started: cannot run",
        ),
    ] {
        let scratch = workspace();
        scratch.write(".learn-state", "01-01 first_words/hello\n");
        let Some(said) = in_a_namespace(&scratch, script, &["check", "01-01"], "") else {
            return;
        };
        said.fails().says(expected).never_says("does not compile");
        scratch.learn(&["list"]).says("1 of 2 solved");
    }
}
