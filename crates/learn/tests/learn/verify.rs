//! `cargo learn verify`: it passes what is sound, and finds each thing that isn't.

use std::fs;

use crate::scratch::{SOLVED, Scratch};

const HELLO: &str = "01_words/01_hello";

#[test]
fn sound_exercises_pass_and_the_last_line_counts_them() {
    let scratch = Scratch::new();
    let said = scratch.learn(&["verify"]);
    said.succeeds()
        .says("ok   01-01 hello")
        .says("2 wrong answers, 2 checks");
    assert!(said.text.ends_with("2 passed, 0 failed\n"), "{}", said.text);
    scratch
        .learn(&["verify", "02-01"])
        .succeeds()
        .says("\n1 passed, 0 failed\n");
}

/// One workspace with a fault an exercise, so that it is built once.
#[test]
fn each_fault_is_found_and_told() {
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
    scratch.write(&format!("solutions/{silent_stub}/stub.rs"), text);

    let failing_solution = "01_words/03_failing_solution";
    scratch.exercise(failing_solution);
    scratch.write(
        &solution(failing_solution),
        "fn main() {\n    println!(\"good bye\");\n}\n",
    );

    let passing_wrong = "01_words/04_passing_wrong";
    scratch.exercise(passing_wrong);
    scratch.wrong(
        passing_wrong,
        "right",
        &format!("//! Caught by: says_hello\n{SOLVED}"),
    );

    let misnamed = "01_words/05_misnamed";
    scratch.exercise(misnamed);
    let text = "//! Caught by: says_hello\nfn main() {\n    println!(\"hello\\nhello\");\n}\n";
    scratch.wrong(misnamed, "named_wrongly", text);

    let uncaught = "01_words/06_uncaught";
    scratch.exercise(uncaught);
    let text = "//! Caught by: is_brief\nfn main() {\n    println!(\"hello\\n\\n\");\n}\n";
    scratch.wrong(uncaught, "silent", text);

    let mistold = "01_words/07_mistold";
    scratch.exercise(mistold);
    let text = "//! Caught by: says_hello, is_brief\n//! Told: Say good bye.\nfn main() {}\n";
    scratch.wrong(mistold, "silent", text);
    let text = "//! Caught by: is_brief\nfn main() {\n    println!(\"hello\\nhello\");\n}\n";
    scratch.wrong(mistold, "chatty", text);

    let said = scratch.learn(&["verify"]);
    said.fails()
        .says("FAIL 01-01 passing_stub")
        .says("expected  says_hello to fail, its verdict showing the todo!")
        .says("happened  says_hello passes; these fail: none\n")
        .says(&format!("cp exercises/{passing_stub}/src/main.rs solutions/{passing_stub}/stub.rs"))
        .says("FAIL 01-02 silent_stub")
        .says("happened  it fails, and the message of no todo! is in the verdict")
        .says("FAIL 01-03 failing_solution")
        .says("expected  every check to pass\n       happened  failed: says_hello\n")
        .says("       |    0.1 ms  peer <- \"good bye\\n\"\n")
        .says("FAIL 01-04 passing_wrong")
        .says("wrong/right.rs\n       expected  failed: says_hello\n       happened  failed: none; passed: says_hello\n")
        .says("FAIL 01-05 misnamed")
        .says("wrong/named_wrongly.rs\n       expected  failed: says_hello\n       happened  failed: is_brief; passed: says_hello\n")
        .says("peer <- \"hello\\nhello\\n\"")
        .says("FAIL 01-06 uncaught")
        .says("check says_hello\n       expected  to catch a wrong answer\n")
        .says("FAIL 01-07 mistold")
        .says("wrong/silent.rs\n       expected  to be told: Say good bye.\n       happened  says_hello explains something else\n       |    0.1 ms")
        .says("wrong/chatty.rs\n       expected  a line `//! Told: words of the explanation`");
    assert!(said.text.ends_with("0 passed, 7 failed\n"), "{}", said.text);
}

#[test]
fn what_does_not_compile_or_is_not_declared_fails_its_own_exercise_only() {
    let scratch = Scratch::new();
    scratch.exercise("01_first_words/02_broken");
    scratch.wrong(
        "01_first_words/02_broken",
        "silent",
        "//! Caught by: says_hello\nfn main() { x }\n",
    );
    let stray = "solutions/01_first_words/02_broken/wrong/stray.rs";
    scratch.write(stray, "//! Caught by: says_hello\nfn main() {}\n");
    let said = scratch.learn(&["verify"]);
    said.fails()
        .says("error[E0425]")
        .says("ok   01-01 hello")
        .says("FAIL 01-02 broken")
        .says("wrong/silent.rs\n       expected  [[example]] name = \"wrong-01-02-silent\"")
        .says("wrong/stray.rs\n       expected  [[example]] name = \"wrong-01-02-stray\"")
        .says("ok   02-01 again")
        .says("\n2 passed, 1 failed\n");
}

#[test]
fn what_an_exercise_lacks_is_named() {
    let scratch = Scratch::empty();
    scratch.exercise(HELLO);
    let check = format!("exercises/{HELLO}/tests/check.rs");
    let swapped = scratch.read(&check).replace("fn says_hello", "fn later");
    scratch.write(
        &check,
        &swapped
            .replace("fn is_brief", "fn says_hello")
            .replace("fn later", "fn is_brief"),
    );
    scratch.write(
        &format!("exercises/{HELLO}/README.md"),
        "# Hello\n\n`is_brief`\n\n### Hint 1\n",
    );
    scratch.wrong(HELLO, "chatty", "//! Caught by: shouts\nfn main() {}\n");
    scratch.wrong(HELLO, "third", "fn main() {}\n");
    fs::remove_file(scratch.file(&format!("solutions/{HELLO}/stub.rs"))).expect("removed");
    scratch
        .learn(&["verify"])
        .fails()
        .says("happened  it is missing: cp ")
        .says("happened  it doesn't mention says_hello\n")
        .says("happened  there are 1\n")
        .says("happened  tests/check.rs has no shouts\n")
        .says("wrong/third.rs\n       expected  a first line `//! Caught by: a_check`")
        .says("shown is is_brief\n");
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
    scratch.write(
        &readme,
        &scratch
            .read(&readme)
            .replace("`is_brief`", "`is_brief`, `is_root`"),
    );
    scratch.wrong(
        HELLO,
        "silent",
        "//! Caught by: says_hello, is_brief, is_root\n//! Told: Say hello\nfn main() {}\n",
    );
    scratch
        .learn(&["verify"])
        .succeeds()
        .says("skipped: 01-01 is_root: it needs root\n");
    scratch
        .learn_in_ci(&["verify"])
        .fails()
        .says("check is_root\n")
        .says("happened  skipped: it needs root\n");
    scratch
        .learn_in_ci(&["verify", "--may-skip", "is_root"])
        .succeeds()
        .says("1 passed, 0 failed");
    scratch.solve(HELLO);
    scratch
        .learn(&["check", "01-01"])
        .succeeds()
        .says("  - is_root  skipped: it needs root\n");
}

#[test]
fn an_answer_that_never_ends_is_ended() {
    let scratch = Scratch::empty();
    scratch.exercise(HELLO);
    let text = "//! Caught by: says_hello\nfn main() {\n    loop {\n        std::thread::park();\n    }\n}\n";
    scratch.wrong(HELLO, "silent", text);
    scratch
        .learn(&["verify", "--time-limit", "3"])
        .fails()
        .says("wrong/silent.rs\n       expected  failed: says_hello\n")
        .says("happened  the checks had not ended after 3 s\n");
}
