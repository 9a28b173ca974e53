//! Judges texts before anything runs: a mistake fits the solution, compiles, is formatted and has
//! no Clippy warnings, and the stub is stored.

use course::{Course, Exercise, read_text};

use super::Faults;
use crate::answers::{Answers, Wrong};
use crate::compile::{Built, Style};
use crate::run::Tried;
use crate::workspace;

/// Checks that the stored stub is the exercise's `src/main.rs`, so that learners can return to it.
pub fn stub(course: &Course, exercise: &Exercise, faults: &mut Faults) {
    let (file, id) = (exercise.file(), exercise.id());
    let what = format!("solutions/{}/stub.diff", exercise.folder);
    let expected = format!("to make {file} of the solution");
    let save = format!("cargo verify save {id} stub");
    match (
        exercise.stub(&course.root),
        read_text(&exercise.main_rs(&course.root)),
    ) {
        (Ok(stub), Ok(own)) if stub == own => {
            let solution = read_text(&exercise.solution_rs(&course.root)).unwrap_or_default();
            let kept = read_text(&exercise.stub_diff(&course.root)).unwrap_or_default();
            if course::diff::make(&solution, &stub) != kept {
                let happened = format!("the solution's lines have moved: cargo verify save {id}");
                faults.add(&what, expected, happened);
            }
        }
        (Ok(_), _) => {
            let happened =
                format!("they differ. Changed the stub? {save}  Solved it? cargo learn reset {id}");
            faults.add(&what, expected, happened);
        }
        (Err(_), _) if !exercise.stub_diff(&course.root).exists() => {
            faults.add(&what, expected, format!("it is missing: {save}"));
        }
        (Err(_), _) => {
            let happened = format!("it does not fit the solution anymore: {save}");
            faults.add(&what, expected, happened);
        }
    }
}

/// Reports what rustc said about a stub or a solution that doesn't compile.
pub fn compiled(exercise: &Exercise, built: &Built, tried: &Tried, faults: &mut Faults) {
    let (stub, solution) = (exercise.package(), exercise.solution_package());
    for (tried, what, package, name) in [
        (&tried.stub, "the stub", &stub, stub.as_str()),
        (
            &tried.solution,
            "the solution",
            &solution,
            solution.as_str(),
        ),
        (&tried.solution, "tests/check.rs", &solution, "check"),
    ] {
        let error = built.error(package, name);
        if tried.result.is_err() && !error.is_empty() {
            faults.with_story(what, "to compile", "it does not", error);
        }
    }
}

/// Checks that a wrong answer fits the solution, is formatted and has no Clippy warnings.
pub fn mistake(
    answers: &Answers<'_>,
    answer: &Wrong,
    (built, style): (&Built, &Style),
    faults: &mut Faults,
) {
    let (what, id) = (&answer.file, answers.exercise.id());
    let target = answer.target(answers.exercise);
    let open = format!("cargo verify open {id} {}", answer.stem);
    if let Err(misfit) = &answer.program {
        let happened = format!("{misfit}. Fix it: {open}");
        faults.add(what, "to fit the solution", happened);
        return;
    }
    if answer.moved {
        let happened = format!("the solution's lines have moved: cargo verify save {id}");
        faults.add(what, "the solution's current lines", happened);
    }
    let error = built.error(&workspace::package(answers), &target);
    if !error.is_empty() {
        faults.with_story(
            what,
            "to compile",
            format!("it does not compile: {open}"),
            error,
        );
    } else if let Some(warning) = style.warning(&target) {
        faults.with_story(
            what,
            "no Clippy warnings",
            format!("fix it: {open}"),
            warning,
        );
    }
    if !style.is_formatted(&target) {
        let mend = match what.strip_suffix(".rs") {
            Some(_) => format!("rustfmt solutions/{}/{what}", answers.exercise.folder),
            None => format!("cargo verify save {id}"),
        };
        faults.add(what, "to be formatted", format!("it is not: {mend}"));
    }
}
