//! `cargo verify` passes what is sound, and finds each thing that isn't.

use std::fs;

use crate::scratch::{SOLVED, STUB, Scratch};

const HELLO: &str = "01_words/01_hello";
/// Says more than it should.
const CHATTY: &str = "fn main() {\n    println!(\"hello\\nhello\");\n}\n";

#[test]
fn sound_exercises_pass_and_the_last_line_counts_them() {
    let scratch = Scratch::new();
    let said = scratch.run(&[]);
    said.succeeds()
        .says("ok   01-01 hello")
        .says("2 wrong answers, 2 checks");
    assert!(said.text.ends_with("2 passed, 0 failed\n"), "{}", said.text);
    scratch
        .run(&["02-01"])
        .succeeds()
        .says("\n1 passed, 0 failed\n");
}

/// One workspace with a fault an exercise, so that it is built once.
#[test]
fn each_fault_is_found_and_named() {
    let scratch = Scratch::empty();
    let own = |folder: &str| format!("exercises/{folder}/src/main.rs");
    let solution = |folder: &str| format!("solutions/{folder}/src/main.rs");

    let passing_stub = "01_words/01_passing_stub";
    scratch.exercise(passing_stub);
    scratch.solve(passing_stub);

    let silent_stub = "01_words/02_silent_stub";
    scratch.exercise(silent_stub);
    let text = "fn main() {\n    if false {\n        todo!(\"say hello\");\n    }\n}\n";
    scratch.write(&own(silent_stub), text);
    let diff = course::diff::make(SOLVED, text);
    scratch.write(&format!("solutions/{silent_stub}/stub.diff"), &diff);

    let failing_solution = "01_words/03_failing_solution";
    scratch.exercise(failing_solution);
    let text = SOLVED.replace("hello", "good bye");
    scratch.write(&solution(failing_solution), &text);

    let passing_wrong = "01_words/04_passing_wrong";
    scratch.exercise(passing_wrong);
    let text = SOLVED.replace(
        "println!(\"hello\")",
        "println!(\"{}\", \"hel\".to_owned() + \"lo\")",
    );
    scratch.wrong(passing_wrong, "right", "Caught by: says_hello\n", &text);

    let misnamed = "01_words/05_misnamed";
    scratch.exercise(misnamed);
    scratch.wrong(misnamed, "named_wrongly", "Caught by: says_hello\n", CHATTY);

    let uncaught = "01_words/06_uncaught";
    scratch.exercise(uncaught);
    let text = "fn main() {\n    println!(\"hello\\n\\n\");\n}\n";
    scratch.wrong(uncaught, "silent", "Caught by: is_brief\n", text);

    let mistold = "01_words/07_mistold";
    scratch.exercise(mistold);
    let header = "Caught by: says_hello, is_brief\nTold: Say good bye.\n";
    scratch.wrong(mistold, "silent", header, "fn main() {}\n");
    scratch.wrong(mistold, "chatty", "Caught by: is_brief\n", CHATTY);

    let said = scratch.run(&[]);
    said.fails()
        .says("FAIL 01-01 passing_stub")
        .says("expected  says_hello to fail, its verdict showing the todo!")
        .says("happened  says_hello passes; these fail: none\n")
        .says("Changed the stub? cargo verify save 01-01 stub  Solved it? cargo learn reset 01-01\n")
        .says("FAIL 01-02 silent_stub")
        .says("happened  it fails, but its verdict shows no todo! message")
        .says("FAIL 01-03 failing_solution")
        .says("expected  every check to pass\n       happened  failed: says_hello\n")
        .says("       |    0.1 ms  peer <- \"good bye\\n\"\n")
        .says("FAIL 01-04 passing_wrong")
        .says("wrong/right.diff\n       expected  failed: says_hello\n       happened  failed: none; passed: says_hello\n")
        .says("FAIL 01-05 misnamed")
        .says("wrong/named_wrongly.diff\n       expected  failed: says_hello\n       happened  failed: is_brief; passed: says_hello\n")
        .says("peer <- \"hello\\nhello\\n\"")
        .says("FAIL 01-06 uncaught")
        .says("check says_hello\n       expected  to catch a wrong answer\n")
        .says("FAIL 01-07 mistold")
        .says("wrong/silent.diff\n       expected  the explanation to contain: Say good bye.\n       happened  says_hello explains it differently\n       |    0.1 ms")
        .says("wrong/chatty.diff\n       expected  a line `Told: words of the explanation`");
    assert!(said.text.ends_with("0 passed, 7 failed\n"), "{}", said.text);
}

/// What a mistake's text can lack, whatever its program does.
#[test]
fn a_mistake_fits_the_solution_and_is_written_as_all_code_is() {
    let scratch = Scratch::empty();
    let told = "Caught by: says_hello, is_brief\nTold: Say hello\n";

    let changed = "01_words/01_changed";
    scratch.exercise(changed);
    let text = SOLVED.replace("println!(\"hello\")", "print!(\"hello\\n\")");
    scratch.write(
        &format!("solutions/{changed}/src/main.rs"),
        &format!("//! Hello.\n\n{text}"),
    );

    let moved = "01_words/02_moved";
    scratch.exercise(moved);
    scratch.write(
        &format!("solutions/{moved}/src/main.rs"),
        &format!("//! Hello.\n\n{SOLVED}"),
    );

    scratch.write(
        &format!("exercises/{moved}/src/main.rs"),
        &format!("//! Hello.\n\n{STUB}"),
    );

    let untidy = "01_words/03_untidy";
    scratch.exercise(untidy);
    scratch.wrong(
        untidy,
        "crooked",
        told,
        "fn main() {\n      let _x = 1 ;\n}\n",
    );
    scratch.wrong(untidy, "clumsy", told, "fn main() {\n    return ();\n}\n");
    scratch.wrong(untidy, "broken", told, "fn main() {\n    x\n}\n");
    let whole = told
        .replace("Caught", "//! Caught")
        .replace("Told", "//! Told");
    scratch.write(
        &format!("solutions/{untidy}/wrong/whole.rs"),
        &format!("{whole}\nfn main() {{}}\n"),
    );
    scratch.write(&format!("solutions/{untidy}/wrong/whole.orig"), "");
    scratch.write(&format!("solutions/{untidy}/wrong/no_diff.diff"), told);

    let sound = "01_words/04_sound";
    scratch.exercise(sound);

    scratch
        .run(&[])
        .fails()
        .says("wrong/chatty.diff\n       expected  to fit the solution\n       happened  the lines under `@@ ")
        .says("are not in the solution. Fix it: cargo verify open 01-01 chatty\n")
        .says("solutions/01_words/01_changed/stub.diff")
        .says("it does not fit the solution anymore: cargo verify save 01-01 stub\n")
        .says("wrong/silent.diff\n       expected  the solution's current lines\n       happened  \
               the solution's lines have moved: cargo verify save 01-02\n")
        .says("wrong/crooked.diff\n       expected  to be formatted\n       happened  it is not: cargo verify save 01-03\n")
        .says("wrong/clumsy.diff\n       expected  no Clippy warnings\n       happened  fix it: \
               cargo verify open 01-03 clumsy\n")
        .says("clippy::needless_return")
        .says("wrong/broken.diff\n       expected  to compile\n       happened  it does not compile: cargo verify open 01-03 broken\n")
        .says("error[E0425]")
        .says("wrong/whole.orig\n       expected  NAME.diff, or NAME.rs where the book shows it\n")
        .says("wrong/no_diff.diff\n       expected  to fit the solution\n       happened  it is not a unified diff")
        .never_says("wrong/whole.rs")
        .says("ok   01-04 sound")
        .says("1 passed, 3 failed\n");
    scratch.run(&["save", "01-02"]).succeeds();
    scratch
        .run(&["save", "01-03"])
        .fails()
        .says("no_diff.diff no longer fits");
    scratch.run(&["01-02"]).succeeds();
    scratch
        .run(&["01-03"])
        .fails()
        .never_says("wrong/crooked.diff");
}

#[test]
fn what_does_not_compile_fails_its_own_exercise_only() {
    let scratch = Scratch::new();
    let broken = "01_first_words/02_broken";
    scratch.exercise(broken);
    let check = format!("exercises/{broken}/tests/check.rs");
    scratch.write(&check, &(scratch.read(&check) + "\nfn broken() { x }\n"));
    scratch
        .run(&[])
        .fails()
        .says("ok   01-01 hello")
        .says("FAIL 01-02 broken")
        .says("its check does not compile")
        .says("tests/check.rs\n       expected  to compile\n")
        .says("error[E0425]")
        .says("ok   02-01 again")
        .says("\n2 passed, 1 failed\n");
}

#[test]
fn what_an_exercise_lacks_is_named() {
    let scratch = Scratch::empty();
    scratch.exercise(HELLO);
    let check = format!("exercises/{HELLO}/tests/check.rs");
    let swapped = scratch.read(&check).replace("fn says_hello", "fn later");
    let swapped = swapped
        .replace("fn is_brief", "fn says_hello")
        .replace("fn later", "fn is_brief");
    scratch.write(&check, &swapped);
    let readme = "# Hello\n\n`is_brief`\n\n### Hint 1\n";
    scratch.write(&format!("exercises/{HELLO}/README.md"), readme);
    scratch.wrong(HELLO, "chatty", "Caught by: shouts\n", "fn main() {}\n");
    scratch.wrong(HELLO, "third", "It is silent.\n", "fn main() {}\n");
    fs::remove_file(scratch.file(&format!("solutions/{HELLO}/stub.diff"))).expect("removed");
    scratch
        .run(&[])
        .fails()
        .says("happened  it is missing: cargo verify save 01-01 stub\n")
        .says("happened  it doesn't mention says_hello\n")
        .says("happened  there are 1\n")
        .says("happened  tests/check.rs has no shouts\n")
        .says("wrong/third.diff\n       expected  a first line `Caught by: a_check`")
        .says("is_brief is shown\n");
}

#[test]
fn a_skipped_check_is_reported_and_fails_where_everything_should_run() {
    let scratch = Scratch::empty();
    scratch.exercise(HELLO);
    let check = format!("exercises/{HELLO}/tests/check.rs");
    let text = scratch.read(&check)
        + "\n#[test]\nfn is_root() {\n    use std::io::Write as _;\n    \
           writeln!(std::io::stderr(), \"skipped: sol-01-01 is_root: it needs root\").unwrap();\n}\n";
    scratch.write(&check, &text);
    let readme = format!("exercises/{HELLO}/README.md");
    let text = scratch
        .read(&readme)
        .replace("`is_brief`", "`is_brief`, `is_root`");
    scratch.write(&readme, &text);
    let header = "Caught by: says_hello, is_brief, is_root\nTold: Say hello\n";
    scratch.wrong(HELLO, "silent", header, "fn main() {}\n");
    scratch
        .run(&[])
        .succeeds()
        .says("skipped: 01-01 is_root: it needs root\n");
    scratch
        .run_in_ci(&[])
        .fails()
        .says("check is_root\n")
        .says("happened  skipped: it needs root\n");
    scratch
        .run_in_ci(&["--may-skip", "is_root"])
        .succeeds()
        .says("1 passed, 0 failed");
}

#[test]
fn an_answer_that_never_ends_is_ended() {
    let scratch = Scratch::empty();
    scratch.exercise(HELLO);
    let text = "fn main() {\n    loop {\n        std::thread::park();\n    }\n}\n";
    scratch.wrong(HELLO, "silent", "Caught by: says_hello\n", text);
    scratch
        .run(&["--time-limit", "3"])
        .fails()
        .says("wrong/silent.diff\n       expected  failed: says_hello\n")
        .says("happened  the checks had not ended after 3 s\n");
}

#[test]
fn a_quoted_verdict_is_one_that_a_program_gets() {
    let scratch = Scratch::empty();
    scratch.exercise(HELLO);
    let page = "docs/src/01-words.md";
    let quoting = |said: &str| {
        let verdict = format!("    2.5 ms  peer <- {said}\n           expected   \"hello\\n\"\n");
        scratch.write(page, &format!("# Words\n\n```text\n{verdict}```\n"));
    };
    quoting("\"hello\\nhello\\n\"");
    scratch
        .run(&[])
        .succeeds()
        .says("ok   verdicts in the chapters       1 quoted\n")
        .says("\n2 passed, 0 failed\n");
    quoting("\"bye\"");
    scratch
        .run(&[])
        .fails()
        .says("docs/src/01-words.md:3\n")
        .says("       | 2.5 ms  peer <- \"bye\"\n")
        .says("\n1 passed, 1 failed\n");
    // One exercise alone says nothing about what the chapters quote.
    scratch.run(&["01-01"]).succeeds();
}
