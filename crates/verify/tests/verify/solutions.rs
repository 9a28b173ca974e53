//! Every solution passes its exercise's check. Cargo would run these checks one after the other, but
//! a check mostly waits, so here several run at once. `cargo verify` proves this, too, and much more.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::thread;

use course::{Course, Exercise, libtest, messages};

/// How many checks run at the same time for each core, as in `cargo verify`.
const PER_CORE: usize = 4;

/// The chapter whose solutions need a TLS library, which plain `cargo test` doesn't build.
const WITH_TLS: u32 = 20;

#[test]
fn every_solution_passes_its_check() {
    let course = Course::find().expect("the course is here");
    let solutions: Vec<&Exercise> = course
        .exercises()
        .filter(|exercise| exercise.chapter != WITH_TLS)
        .collect();
    let waiting = Mutex::new(checks(&course, &solutions).into_iter());
    let failed = Mutex::new(Vec::new());
    let cores = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..PER_CORE * cores {
            scope.spawn(|| {
                let next = || waiting.lock().expect("no thread panics here").next();
                while let Some((exercise, check)) = next() {
                    let folder = exercise.solution_path(&course.root);
                    let package = exercise.solution_package();
                    let output = libtest::command(&check, &folder, &package).output();
                    let output = output.expect("a check can be run");
                    if !output.status.success() {
                        let told = format!("{package}:\n{}", said(&output));
                        failed.lock().expect("no thread panics here").push(told);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no thread panicked");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Builds the check of each solution.
fn checks<'c>(course: &Course, solutions: &[&'c Exercise]) -> Vec<(&'c Exercise, PathBuf)> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(&course.root);
    cargo.args(["build", "--bins", "--test", "check"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    for exercise in solutions {
        cargo.args(["-p", &exercise.solution_package()]);
    }
    let output = cargo.output().expect("Cargo can be run");
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    let built: Vec<_> = text.lines().filter_map(messages::artifact).collect();
    let check_of = |exercise: &&'c Exercise| {
        let package = exercise.solution_package();
        let check = built
            .iter()
            .find(|one| one.package == package && one.kind == "test");
        let check = check.unwrap_or_else(|| panic!("{package} has no check"));
        (*exercise, check.executable.clone())
    };
    solutions.iter().map(check_of).collect()
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}
