//! What a learner sees, from the fresh clone to the last exercise.

use std::fs;

use crate::scratch::{SOLVED, STUB, Said, Scratch};
use crate::watch::Watching;

const FIRST: &str = "01_first_words/01_hello";
const SECOND: &str = "02_more_words/01_again";

#[test]
fn a_fresh_clone_welcomes_and_shows_the_first_verdict() {
    let scratch = Scratch::new();
    let said = scratch.learn(&[]);
    said.fails()
        .says("Welcome to Pocket Sockets: 2 exercises in 2 chapters.")
        .says("01-01 hello  chapter 1, What is a word?\n")
        .says("  ✗ says_hello\n  ✗ is_brief\n\nsays_hello\n")
        .says("not yet implemented: say hello")
        .says(&format!("exercises/{FIRST}/src/main.rs"))
        .says("docs/src/01-first-words.md\n")
        .says("cargo learn hint 01-01 1\n");
    for noise in [
        "running 2 tests",
        "failures:",
        "RUST_BACKTRACE",
        "Compiling",
        "error: test",
    ] {
        said.never_says(noise);
    }
    assert!(
        !said.text.contains('\x1b'),
        "no colors where nobody sees them"
    );
}

#[test]
fn solving_one_leads_to_the_next_and_at_last_to_the_end() {
    let scratch = Scratch::new();
    scratch.solve(FIRST);
    scratch
        .learn(&["check"])
        .succeeds()
        .says("  ✓ says_hello\n  ✓ is_brief\n01-01 hello is solved.")
        .says("More words\n")
        .says("docs/src/02-more-words.md\n")
        .says("02-01 again  1 of 2 solved\n");
    scratch
        .learn(&[])
        .fails()
        .says(" 1  What is a word?  ✓\n 2  More words       ·  next: 02-01\n")
        .says("02-01 again  chapter 2");
    scratch.solve(SECOND);
    scratch
        .learn(&[])
        .succeeds()
        .says("All done: 2 exercises solved.");
    scratch
        .learn(&["check"])
        .fails()
        .says("all exercises are solved");
}

#[test]
fn what_was_solved_without_cargo_learn_is_caught_up_with() {
    let scratch = Scratch::new();
    scratch.solve(FIRST);
    scratch.solve(SECOND);
    scratch
        .learn(&[])
        .succeeds()
        .says("01-01 hello is solved.")
        .says("02-01 again is solved.")
        .says("All done");
}

#[test]
fn what_rustc_says_is_shown_as_it_says_it() {
    let scratch = Scratch::new();
    scratch.write(
        &format!("exercises/{FIRST}/src/main.rs"),
        "fn main() {\n    hello\n}\n",
    );
    scratch
        .learn(&[])
        .fails()
        .says("error[E0425]: cannot find value `hello` in this scope\n")
        .says("2 |     hello\n  |     ^^^^^")
        .says("It does not compile yet.")
        .says("cargo learn hint 01-01 1");
}

#[test]
fn what_the_compiler_did_not_say_is_not_called_its_complaint() {
    let scratch = Scratch::new();
    scratch.solve(FIRST);
    scratch.write(".learn-state", "01-01 first_words/hello\n");
    let mut command = scratch.command(&["check", "01-01"]);
    command.env("RUSTFLAGS", "-C linker=/nowhere/cc");
    Said::of(&mut command, "")
        .fails()
        .says("/nowhere/cc")
        .says("Cargo could not build it, for the reason above.\n\n  again  cargo learn check 01-01")
        .never_says("does not compile");
    let manifest = format!("exercises/{FIRST}/Cargo.toml");
    scratch.write(&manifest, &(scratch.read(&manifest) + "\n[dependencies\n"));
    scratch
        .learn(&["check", "01-01"])
        .fails()
        .says("Cargo could not build it")
        .never_says("does not compile");
    scratch.learn(&["list"]).says("1 of 2 solved");
}

#[test]
fn a_mark_goes_with_a_verdict_and_with_nothing_else() {
    let scratch = Scratch::new();
    let (own, check) = (
        format!("exercises/{FIRST}/src/main.rs"),
        format!("exercises/{FIRST}/tests/check.rs"),
    );
    let sound = scratch.read(&check);
    scratch.solve(FIRST);
    scratch.learn(&["check", "01-01"]).succeeds();
    for (test, said) in [
        (
            "std::process::abort();",
            "The checks ended without a verdict.",
        ),
        (
            "println!(\"\\ntest result: so to say\"); std::process::exit(0);",
            "ended without a verdict",
        ),
        (
            "loop { std::thread::park(); }",
            "Stuck: still running after 2 s",
        ),
    ] {
        scratch.write(&check, &format!("#[test]\nfn odd() {{\n    {test}\n}}\n"));
        scratch
            .learn(&["check", "01-01", "--time-limit", "2"])
            .fails()
            .says(said);
        scratch.learn(&["list"]).says("1 of 2 solved");
    }
    let skipped = "use std::io::Write as _;\n#[test]\nfn odd() {\n    writeln!(std::io::stderr(), \
        \"skipped: ex-01-01 odd: not here\").unwrap();\n}\n";
    scratch.write(&check, skipped);
    scratch
        .learn(&["check", "01-01"])
        .fails()
        .says("  - odd  skipped: not here\nNone of its checks can run here.");
    scratch.learn(&["list"]).says("1 of 2 solved");
    scratch.write(&check, &sound);
    scratch.write(&own, "fn main() {\n    hello\n}\n");
    scratch
        .learn(&["check", "01-01"])
        .fails()
        .says("It does not compile yet.");
    scratch.learn(&["list"]).says("0 of 2 solved");
}

#[test]
fn the_clock_starts_with_the_check() {
    let scratch = Scratch::new();
    scratch.solve(FIRST);
    let slow = "fn main() {\n    std::thread::sleep(std::time::Duration::from_secs(4));\n}\n";
    scratch.write(&format!("exercises/{FIRST}/build.rs"), slow);
    scratch
        .learn(&["check", "01-01", "--time-limit", "3"])
        .succeeds()
        .says("\nbuilding ex-01-01\n")
        .says("  ✓ says_hello\n");
}

#[cfg(unix)]
#[test]
fn a_wait_for_another_cargo_is_told() {
    let scratch = Scratch::new();
    scratch.solve(FIRST);
    scratch.learn(&["check", "01-01"]).succeeds();
    let lock = scratch.file("target/debug/.cargo-lock");
    let lock = fs::File::options().write(true).open(lock).expect("Cargo's");
    lock.lock().expect("nobody else builds here");
    let mut waiting = Watching::start(&mut scratch.command(&["check", "01-01"]));
    waiting.says("waiting for another Cargo process, which holds the lock on the ");
    lock.unlock().expect("it was locked");
    waiting.says("01-01 hello is solved.");
}

#[test]
fn an_exercise_whose_check_is_gone_is_not_solved() {
    let scratch = Scratch::new();
    scratch.solve(FIRST);
    fs::remove_file(scratch.file(&format!("exercises/{FIRST}/tests/check.rs"))).expect("removed");
    scratch
        .learn(&["check", "01-01"])
        .fails()
        .says("check.rs has no check");
    scratch.learn(&["list"]).says("0 of 2 solved");
}

#[test]
fn an_exercise_that_fails_again_is_no_longer_solved() {
    let scratch = Scratch::new();
    scratch.solve(FIRST);
    scratch.learn(&["check", "hello"]).succeeds();
    scratch.write(&format!("exercises/{FIRST}/src/main.rs"), "fn main() {}\n");
    scratch
        .learn(&["check", "1-1"])
        .fails()
        .says("Say hello, once.");
    scratch
        .learn(&["list"])
        .says("› 01-01 hello                    next\n")
        .says("0 of 2 solved");
}

#[test]
fn the_list_names_every_exercise_from_any_folder_of_the_workspace() {
    let scratch = Scratch::new();
    scratch.write(&format!("exercises/{SECOND}/src/main.rs"), SOLVED);
    let mut command = scratch.command(&["list"]);
    command.current_dir(scratch.file("docs/src"));
    Said::of(&mut command, "").succeeds().says(
        " 1  What is a word?\n    › 01-01 hello                    next\n 2  More words\n    \
         · 02-01 again                    begun\n\n0 of 2 solved\n",
    );
}

#[test]
fn progress_is_kept_when_exercises_are_added_and_renamed() {
    let scratch = Scratch::new();
    scratch.solve(FIRST);
    scratch.solve(SECOND);
    scratch.write(
        ".learn-state",
        "01-01 first_words/hello\n02-01 more_words/again\n09-01 later/unknown\n",
    );
    // An update puts an exercise before the first, and renames the second chapter's.
    scratch.rename(
        &format!("exercises/{FIRST}"),
        "exercises/01_first_words/02_hello",
    );
    scratch.rename(
        &format!("solutions/{FIRST}"),
        "solutions/01_first_words/02_hello",
    );
    scratch.rename(
        &format!("exercises/{SECOND}"),
        "exercises/02_words/01_once_more",
    );
    scratch.rename(
        &format!("solutions/{SECOND}"),
        "solutions/02_words/01_once_more",
    );
    scratch.exercise("01_first_words/01_new");
    scratch
        .learn(&["list"])
        .says("› 01-01 new")
        .says("✓ 01-02 hello")
        .says("✓ 02-01 once_more")
        .says("2 of 3 solved");
    scratch.learn(&["reset", "01-02"]).succeeds();
    let state = scratch.read(".learn-state");
    assert!(
        state.contains("02-01 words/once_more\n"),
        "named anew:\n{state}"
    );
    assert!(
        state.contains("09-01 later/unknown\n"),
        "kept, for it may come back:\n{state}"
    );
}

#[test]
fn what_comes_next_is_the_next_unsolved_after_the_one_just_solved() {
    let scratch = Scratch::new();
    scratch.exercise("02_more_words/02_and_again");
    scratch.solve(SECOND);
    scratch
        .learn(&["check", "02-01"])
        .succeeds()
        .says("next exercise       02-02 and_again  1 of 3 solved\n");
    scratch.learn(&["list"]).says("› 02-02 and_again");
    scratch
        .learn(&[])
        .fails()
        .says("02-02 and_again  chapter 2");
    scratch.solve("02_more_words/02_and_again");
    scratch
        .learn(&["check"])
        .succeeds()
        .says("next chapter        What is a word?\n")
        .says("next exercise       01-01 hello  2 of 3 solved\n");
}

#[test]
fn progress_that_cannot_be_kept_takes_no_verdict_away() {
    let scratch = Scratch::new();
    scratch.solve(FIRST);
    scratch.solve(SECOND);
    // Neither read nor replaced, by root neither.
    fs::create_dir(scratch.file(".learn-state")).expect("a folder");
    scratch
        .learn(&[])
        .succeeds()
        .says("nothing counts as solved: ")
        .says("01-01 hello is solved.\nThe verdict stands, but your progress could not be saved: ")
        .says("02-01 again is solved.\nThe verdict stands")
        .says("All done: 2 exercises solved.");
    scratch.learn(&["check", "01-01"]).succeeds();
    scratch
        .learn(&["reset", "01-01"])
        .succeeds()
        .says("is back in its original state.");
    let names = fs::read_dir(scratch.path()).expect("it is there").flatten();
    let names: Vec<_> = names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(
        names.iter().all(|name| !name.ends_with(".new")),
        "{names:?}"
    );
}

#[test]
fn a_verdict_that_nobody_reads_counts() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    let scratch = Scratch::new();
    let text = "fn main() {\n    let unused = 1;\n    println!(\"hello\");\n}\n";
    scratch.write(&format!("exercises/{FIRST}/src/main.rs"), text);
    let mut command = scratch.command(&["check", "01-01"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut heading = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    stdout.read_line(&mut heading).expect("it is text");
    drop(stdout);
    child.wait().expect("it ends");
    scratch.learn(&["list"]).says("1 of 2 solved");
}

#[test]
fn help_is_given_however_it_is_asked_for() {
    let scratch = Scratch::empty();
    let asked = scratch.learn(&["help"]);
    asked
        .succeeds()
        .says("Usage: cargo learn")
        .never_says("verify");
    assert_eq!(asked.text, scratch.learn(&["--help"]).text);
    scratch
        .learn(&["help", "watch"])
        .succeeds()
        .says("cargo learn watch [OPTIONS] [NN-MM]");
}

#[test]
fn a_damaged_state_is_survived() {
    let scratch = Scratch::new();
    fs::write(
        scratch.file(".learn-state"),
        b"\xff\xfe\0 01-01 ???\n\n///\n",
    )
    .expect("written");
    scratch.learn(&["list"]).succeeds().says("0 of 2 solved");
}

#[test]
fn hints_come_one_at_a_time() {
    let scratch = Scratch::new();
    scratch
        .learn(&["hint"])
        .succeeds()
        .says("01-01 hello, hint 1 of 3\n\nA program says something with a macro.\n")
        .says("more help: cargo learn hint 01-01 2")
        .never_says("println!");
    scratch.learn(&["hint", "2"]).says("It is `println!`.");
    scratch
        .learn(&["hint", "02-01", "3"])
        .says("02-01 again, hint 3 of 3")
        .says("no more hints");
    scratch
        .learn(&["hint", "4"])
        .fails()
        .says("01-01 has hints 1 to 3, not 4");
    scratch
        .learn(&["hint", "07-07"])
        .fails()
        .says("there is no exercise 07-07");
}

#[test]
fn a_reset_needs_no_git_and_keeps_what_was_written() {
    let scratch = Scratch::new();
    assert!(!scratch.file(".git").exists());
    let own = format!("exercises/{FIRST}/src/main.rs");
    scratch
        .learn(&["reset", "01-01"])
        .succeeds()
        .says("is already in its original state");
    for (number, text) in [(1, "// first\n"), (2, "// second\n")] {
        scratch.write(&own, text);
        scratch.write(".learn-state", "01-01 first_words/hello\n");
        let backup = format!(".learn-backups/01-01-hello-{number}.rs");
        scratch
            .learn(&["reset", "01-01"])
            .succeeds()
            .says(&format!("Your version is kept in {backup}."));
        assert_eq!(
            (scratch.read(&own), scratch.read(&backup)),
            (STUB.into(), text.into())
        );
        scratch.learn(&["list"]).says("0 of 2 solved");
    }
}

#[test]
fn a_reset_that_cannot_keep_a_copy_changes_nothing() {
    let scratch = Scratch::new();
    scratch.solve(FIRST);
    scratch.write(".learn-backups", "a file where the folder should be");
    scratch
        .learn(&["reset", "01-01"])
        .fails()
        .says(".learn-backups");
    assert_eq!(
        scratch.read(&format!("exercises/{FIRST}/src/main.rs")),
        SOLVED
    );
}

#[test]
fn the_solution_is_shown_only_to_who_wants_it() {
    let scratch = Scratch::new();
    let question = "01-01 isn't solved yet. Show the solution? [y/N] ";
    for answer in ["", "\n", "no\n"] {
        let said = scratch.learn_answering(&["solution", "01-01"], answer);
        said.fails()
            .says(question)
            .says("Not shown.")
            .never_says("println!");
    }
    scratch
        .learn_answering(&["solution", "01-01"], "y\n")
        .succeeds()
        .says("println!(\"hello\")");
    scratch
        .learn(&["solution", "--yes", "01-01"])
        .succeeds()
        .never_says(question);
}

#[test]
fn the_solution_is_compared_with_the_learners_own() {
    let scratch = Scratch::new();
    let own = "fn main() {\n    print!(\"hello\\n\");\n}\n";
    scratch.write(&format!("exercises/{FIRST}/src/main.rs"), own);
    scratch.write(".learn-state", "01-01 first_words/hello\n");
    scratch
        .learn(&["solution", "01-01"])
        .succeeds()
        .says("  fn main() {\n-     print!(\"hello\\n\");\n+     println!(\"hello\");\n  }\n");
    scratch.solve(FIRST);
    scratch
        .learn(&["solution", "01-01"])
        .succeeds()
        .says("They are the same.");
}

#[test]
fn the_solution_is_shown_as_an_answer_also_beside_no_answer() {
    let scratch = Scratch::new();
    let solution = "// ANCHOR: all\r\nfn main() {\r\n    // ANCHOR: hello\r\n    println!(\"hello\");\r\n    \
        //ANCHOR_END: hello\r\n    // usage: sol-01-01 ADDRESS\r\n}\r\n// ANCHOR_END: all\r\n";
    scratch.write(&format!("solutions/{FIRST}/src/main.rs"), solution);
    let stub = course::diff::make(solution, STUB);
    scratch.write(&format!("solutions/{FIRST}/stub.diff"), &stub);
    let shown = "fn main() {\n    println!(\"hello\");\n    // usage: ex-01-01 ADDRESS\n}\n";
    let args = ["solution", "--yes", "01-01"];
    scratch
        .learn(&args)
        .succeeds()
        .says(shown)
        .never_says("ANCHOR");
    let own = format!("exercises/{FIRST}/src/main.rs");
    scratch.write(&own, shown);
    scratch.learn(&args).succeeds().says("They are the same.");
    fs::write(scratch.file(&own), b"fn main() {} // caf\xe9\n").expect("written");
    scratch
        .learn(&args)
        .succeeds()
        .says("- fn main() {} // caf\u{fffd}\n")
        .never_says("ANCHOR");
    fs::remove_file(scratch.file(&own)).expect("removed");
    scratch.learn(&args).succeeds().says(shown);
}

#[test]
fn an_answer_in_other_bytes_than_text_is_a_no() {
    let scratch = Scratch::new();
    let mut command = scratch.command(&["solution", "01-01"]);
    let input = scratch.file("input");
    fs::write(&input, b"\xff\xfe\n").expect("written");
    command.stdin(fs::File::open(input).expect("it is there"));
    let output = command.output().expect("it runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("Not shown."));
}

/// Who reads the task should not have read the hints with it.
#[test]
fn the_hints_of_this_course_are_folded() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../exercises");
    let folders = |path: std::path::PathBuf| {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path())
    };
    let readmes = folders(root)
        .flat_map(folders)
        .map(|path| path.join("README.md"));
    let mut seen = 0;
    for readme in readmes.filter(|path| path.is_file()) {
        let text = fs::read_to_string(&readme)
            .expect("it is text")
            .replace("\r\n", "\n");
        for number in 1..=3 {
            let folded = format!("\n<details>\n<summary>Hint {number}</summary>\n\n");
            assert!(
                text.contains(&folded),
                "{}: hint {number}",
                readme.display()
            );
        }
        assert_eq!(
            text.matches("\n</details>\n").count(),
            3,
            "{}",
            readme.display()
        );
        seen += 1;
    }
    assert!(seen > 0, "there are exercises");
}

#[test]
fn outside_of_a_workspace_it_says_where_to_go() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Scratch::empty().command(&["list"]);
    command
        .current_dir(folder.path())
        .env_remove("CARGO_MANIFEST_DIR");
    Said::of(&mut command, "")
        .fails()
        .says("run this inside the folder you cloned");
}
