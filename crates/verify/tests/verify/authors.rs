//! An author opens a mistake as a whole program, and saves it again.

use crate::scratch::{SOLVED, STUB, Scratch};

const HELLO: &str = "01_words/01_hello";
const OPENED: &str = "target/mistakes/01-01/silent.rs";

fn workspace() -> Scratch {
    let scratch = Scratch::empty();
    scratch.exercise(HELLO);
    scratch
}

fn kept(name: &str) -> String {
    format!("solutions/{HELLO}/wrong/{name}.diff")
}

#[test]
fn a_mistake_that_is_opened_and_saved_is_the_same() {
    let scratch = workspace();
    let before = scratch.read(&kept("silent"));
    scratch
        .run(&["open", "01-01", "silent"])
        .succeeds()
        .says(OPENED)
        .says("cargo verify save 01-01 silent");
    let program = scratch.read(OPENED);
    let header = "// Caught by: says_hello, is_brief\n// Told: Say hello\n\n";
    assert_eq!(program, format!("{header}fn main() {{}}\n"));
    scratch
        .run(&["open", "01-01", "silent"])
        .fails()
        .says("is open already: save it, or delete it");
    scratch
        .run(&["save", "01-01", "silent"])
        .succeeds()
        .says("wrote solutions/01_words");
    assert_eq!(scratch.read(&kept("silent")), before);
    assert!(!scratch.file(OPENED).exists(), "it is saved");
    scratch
        .run(&["save", "01-01", "silent"])
        .fails()
        .says("cargo verify open 01-01 silent");
}

#[test]
fn a_new_one_begins_as_the_solution_and_is_formatted() {
    let scratch = workspace();
    scratch.run(&["open", "01-01", "rude"]).succeeds();
    let opened = "target/mistakes/01-01/rude.rs";
    scratch
        .run(&["save", "01-01", "rude"])
        .fails()
        .says("nothing to save");
    let program = scratch.read(opened);
    assert!(program.ends_with(&format!("\n\n{SOLVED}")), "{program}");
    let program = program
        .replace("the_checks_that_fail", "says_hello")
        .replace("words of the first one's explanation", "Say hello")
        .replace("    println!(\"hello\");", "println!( \"go away\" );");
    scratch.write(opened, &program);
    scratch.run(&["save", "01-01", "rude"]).succeeds();
    let expected = "Caught by: says_hello\nTold: Say hello\nWhy somebody writes this.\n\
        @@ -2 +2 @@ fn main()\n-    println!(\"hello\");\n+    println!(\"go away\");\n";
    assert_eq!(scratch.read(&kept("rude")), expected);
    scratch.run(&[]).succeeds().says("3 wrong answers");
}

#[test]
fn one_that_no_longer_fits_is_opened_with_the_place_marked() {
    let scratch = workspace();
    let solution = format!("solutions/{HELLO}/src/main.rs");
    scratch.write(&solution, "fn main() {\n    print!(\"hello\\n\");\n}\n");
    scratch
        .run(&["save", "01-01"])
        .fails()
        .says("silent.diff no longer fits: cargo verify open");
    scratch
        .run(&["open", "01-01", "silent"])
        .succeeds()
        .says("look for `<<<<<<<`");
    let program = scratch.read(OPENED);
    assert!(
        program.contains("\n-    println!(\"hello\");\n"),
        "{program}"
    );
    scratch
        .run(&["save", "01-01", "silent"])
        .fails()
        .says("still has parts between");
    let header = program.split("\n\n").next().expect("a header");
    scratch.write(OPENED, &format!("{header}\n\nfn main() {{}}\n"));
    scratch.run(&["save", "01-01", "silent"]).succeeds();
    let text = scratch.read(&kept("silent"));
    assert!(text.contains("-    print!(\"hello\\n\");\n"), "{text}");
}

#[test]
fn the_stub_is_saved_from_the_exercise_while_it_leaves_something_to_do() {
    let scratch = workspace();
    let diff = format!("solutions/{HELLO}/stub.diff");
    let before = scratch.read(&diff);
    scratch.write(
        &format!("exercises/{HELLO}/src/main.rs"),
        &STUB.replace("say", "shout"),
    );
    scratch
        .run(&["save", "01-01", "stub"])
        .succeeds()
        .says("wrote solutions/01_words/01_hello/stub.diff");
    assert_eq!(scratch.read(&diff), before.replace("say", "shout"));
    scratch.solve(HELLO);
    scratch
        .run(&["save", "01-01", "stub"])
        .fails()
        .says("is not a stub: it contains no todo!");
    scratch
        .run(&["open", "01-01", "stub"])
        .fails()
        .says("exercises/01_words/01_hello/src/main.rs");
    scratch
        .run(&["open", "01-01", "../stub"])
        .fails()
        .says("lowercase letters, digits and `_`");
}
