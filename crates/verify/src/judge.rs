//! Judges the outcome of an exercise's programs. This runs and writes nothing.

mod form;

use std::collections::BTreeSet;
use std::time::Duration;

use course::libtest::{Check, Outcome};
use course::{Course, Exercise, hints, read_text};

use crate::answers::{Answers, Wrong};
use crate::compile::{Built, Style};
use crate::run::{Tried, Try, Unable};

/// How strict a run is.
pub struct Rules {
    /// The time limit for running all checks against one program.
    pub time: Duration,
    /// Whether a skipped check is a failure, because everything is meant to run on this machine.
    pub strict: bool,
    /// The checks that may be skipped even so.
    pub may_skip: Vec<String>,
}

/// How many wrong answers, and how many hints, an exercise must have at least.
const WRONG_ANSWERS: usize = 2;
const HINTS: usize = 3;

pub struct Judged {
    pub faults: Vec<Fault>,
    pub checks: usize,
    /// The skipped checks: exercise, check, and why it could not run on this machine.
    pub skipped: Vec<(String, String, String)>,
}

pub struct Fault {
    /// What is at fault: the stub, the solution, a wrong answer, a check or a file.
    pub what: String,
    pub expected: String,
    pub happened: String,
    /// The timeline of the failed check, if there is one.
    pub story: String,
}

/// Collects the faults of one exercise.
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, what: &str, expected: impl Into<String>, happened: impl Into<String>) {
        self.with_story(what, expected, happened, "");
    }

    fn with_story(
        &mut self,
        what: &str,
        expected: impl Into<String>,
        happened: impl Into<String>,
        story: &str,
    ) {
        let (what, story) = (what.to_owned(), story.to_owned());
        self.0.push(Fault {
            what,
            expected: expected.into(),
            happened: happened.into(),
            story,
        });
    }
}

/// Finds every fault of one exercise.
pub fn judge(
    course: &Course,
    answers: &Answers<'_>,
    (built, style): (&Built, &Style),
    tried: &Tried,
    rules: &Rules,
) -> Judged {
    let mut faults = Faults(Vec::new());
    let exercise = answers.exercise;
    form::stub(course, exercise, &mut faults);
    stub(course, exercise, &tried.stub, &mut faults);
    solution(&tried.solution, &mut faults);
    form::compiled(exercise, built, tried, &mut faults);
    let checks = tried.solution.result.as_deref().unwrap_or_default();
    for (answer, tried) in answers.wrong.iter().zip(&tried.wrong) {
        form::mistake(answers, answer, (built, style), &mut faults);
        wrong(answer, tried, checks, &mut faults);
    }
    for stray in &answers.strays {
        let expected = "NAME.diff, or NAME.rs where the book shows it";
        faults.add(
            &format!("wrong/{stray}"),
            expected,
            "it is neither: delete it",
        );
    }
    if answers.wrong.len() < WRONG_ANSWERS {
        let expected = format!("at least {WRONG_ANSWERS}");
        faults.add(
            "wrong answers",
            expected,
            format!("there are {}", answers.wrong.len()),
        );
    }
    every_check_catches(answers, tried, checks, &mut faults);
    readme(course, exercise, checks, &mut faults);
    let skipped = skipped(exercise, checks, rules, &mut faults);
    Judged {
        faults: faults.0,
        checks: checks.len(),
        skipped,
    }
}

fn stub(course: &Course, exercise: &Exercise, tried: &Try, faults: &mut Faults) {
    let source = read_text(&exercise.main_rs(&course.root)).unwrap_or_default();
    let messages = todo_messages(&source);
    if messages.is_empty() {
        let expected = "a todo!(\"what is to be written here\")";
        faults.add(
            "the stub",
            expected,
            format!("{} has none", exercise.file()),
        );
    }
    let Some(checks) = ran("the stub", "to fail, by its todo!", tried, faults) else {
        return;
    };
    let Some(first) = checks.iter().find(|check| !check.skipped()) else {
        return;
    };
    let expected = format!("{} to fail, its verdict showing the todo!", first.name);
    if !first.failed() {
        let failed = names(checks.iter().filter(|check| check.failed()));
        faults.add(
            "the stub",
            expected,
            format!("{} passes; these fail: {failed}", first.name),
        );
    } else if !messages
        .iter()
        .any(|pieces| pieces.iter().all(|piece| first.output.contains(piece)))
    {
        let happened = "it fails, but its verdict shows no todo! message";
        faults.with_story("the stub", expected, happened, &first.output);
    }
}

/// Returns the messages of a program's `todo!("…")`s, each split into the pieces between its
/// placeholders.
fn todo_messages(source: &str) -> Vec<Vec<String>> {
    let openings = source.split("todo!(").skip(1);
    let messages =
        openings.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
    let pieces = |message| -> Vec<String> {
        let message = on_one_line(message);
        let parts = message.split('{');
        let parts = parts.map(|part| part.split_once('}').map_or(part, |p| p.1));
        parts
            .filter(|piece| !piece.is_empty())
            .map(str::to_owned)
            .collect()
    };
    messages
        .map(pieces)
        .filter(|pieces| !pieces.is_empty())
        .collect()
}

/// Returns a string literal on one line: without the line ends that follow a `\`, and the
/// indentation after them.
fn on_one_line(literal: &str) -> String {
    let mut lines = literal.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |whole, line| whole + line.trim_start())
}

fn solution(tried: &Try, faults: &mut Faults) {
    let expected = "every check to pass";
    let Some(checks) = ran("the solution", expected, tried, faults) else {
        return;
    };
    if checks.is_empty() {
        faults.add("the solution", expected, "tests/check.rs has no check");
    }
    let failed: Vec<&Check> = checks.iter().filter(|check| check.failed()).collect();
    if let Some(first) = failed.first() {
        let happened = format!("failed: {}", names(failed.iter().copied()));
        faults.with_story("the solution", expected, happened, &first.output);
    }
}

/// Whether a wrong answer failed exactly the checks that its header names.
pub fn is_as_expected(answer: &Wrong, tried: &Try) -> bool {
    let mut faults = Faults(Vec::new());
    wrong(answer, tried, &[], &mut faults);
    faults.0.is_empty()
}

fn wrong(answer: &Wrong, tried: &Try, known: &[Check], faults: &mut Faults) {
    let what = answer.file.as_str();
    if answer.caught_by.is_empty() {
        faults.add(what, "a first line `Caught by: a_check`", "it names none");
        return;
    }
    let unknown = answer
        .caught_by
        .iter()
        .find(|name| known.iter().all(|c| c.name != **name));
    if let Some(name) = unknown.filter(|_| !known.is_empty()) {
        let happened = format!("tests/check.rs has no {name}");
        faults.add(what, "names of checks after `Caught by:`", happened);
        return;
    }
    let expected = format!("failed: {}", answer.caught_by.join(", "));
    let Some(checks) = ran(what, &expected, tried, faults) else {
        return;
    };
    let failed: Vec<&Check> = checks.iter().filter(|check| check.failed()).collect();
    // A check that could not run here proves nothing, either way.
    let runs = |name: &&String| checks.iter().all(|c| c.name != **name || !c.skipped());
    let named: BTreeSet<&str> = answer
        .caught_by
        .iter()
        .filter(runs)
        .map(String::as_str)
        .collect();
    if named != failed.iter().map(|check| check.name.as_str()).collect() {
        let odd = failed
            .iter()
            .find(|check| !named.contains(check.name.as_str()));
        let story = odd.or(failed.first()).map_or("", |check| &check.output);
        faults.with_story(what, expected, happened(&failed, &named), story);
        return;
    }
    teaches(what, answer, &failed, faults);
}

/// Reports a fault unless the first check that the header names is the one that the learner is
/// shown first, and its explanation fits this mistake (`Told:`).
fn teaches(what: &str, answer: &Wrong, failed: &[&Check], faults: &mut Faults) {
    let Some(shown) = failed.first() else { return };
    if answer
        .caught_by
        .iter()
        .find(|name| failed.iter().any(|c| c.name == **name))
        != Some(&shown.name)
    {
        let expected = "the first name to be the one that comes first in tests/check.rs, because \
                        that one is shown";
        faults.add(what, expected, format!("{} is shown", shown.name));
        return;
    }
    if answer.caught_by.first() != Some(&shown.name) {
        return; // The first could not run here, and another check has a different text.
    }
    if !shown.output.contains("docs/src/") {
        let expected = format!(
            "{} to explain itself and name the chapter's section",
            shown.name
        );
        faults.with_story(what, expected, "its verdict names none", &shown.output);
    } else if answer.told.is_empty() {
        let expected = "a line `Told: words of the explanation` below `Caught by:`";
        faults.with_story(what, expected, "it has none", &shown.output);
    } else if !shown.output.contains(&answer.told) {
        let expected = format!("the explanation to contain: {}", answer.told);
        let happened = format!("{} explains it differently", shown.name);
        faults.with_story(what, expected, happened, &shown.output);
    }
}

fn every_check_catches(
    answers: &Answers<'_>,
    tried: &Tried,
    checks: &[Check],
    faults: &mut Faults,
) {
    for check in checks {
        let named = answers
            .wrong
            .iter()
            .any(|answer| answer.caught_by.contains(&check.name));
        let caught = tried.wrong.iter().any(|tried| {
            let same = |other: &Check| other.name == check.name && other.failed();
            tried
                .result
                .as_ref()
                .is_ok_and(|checks| checks.iter().any(same))
        });
        if !named || !(caught || check.skipped()) {
            let happened = "no wrong answer fails it; delete it, or add one";
            faults.add(
                &format!("check {}", check.name),
                "to catch a wrong answer",
                happened,
            );
        }
    }
}

fn readme(course: &Course, exercise: &Exercise, checks: &[Check], faults: &mut Faults) {
    let text = read_text(&exercise.readme(&course.root)).unwrap_or_default();
    let own_name = |check: &&Check| {
        let own = check.name.rsplit("::").next().unwrap_or(&check.name);
        !text.contains(own)
    };
    let untold: Vec<&Check> = checks.iter().filter(own_name).collect();
    if !untold.is_empty() {
        let happened = format!("it doesn't mention {}", names(untold.into_iter()));
        faults.add("README.md", "each check's name and meaning", happened);
    }
    let count = hints(&text).len();
    if count != HINTS {
        let expected = format!(
            "{HINTS} hints, each under its heading (## Hint 1) or folded under its summary"
        );
        faults.add("README.md", expected, format!("there are {count}"));
    }
}

fn skipped(
    exercise: &Exercise,
    checks: &[Check],
    rules: &Rules,
    faults: &mut Faults,
) -> Vec<(String, String, String)> {
    let mut skipped = Vec::new();
    for check in checks {
        let Outcome::Skipped(why) = &check.outcome else {
            continue;
        };
        if rules.strict && !rules.may_skip.contains(&check.name) {
            let what = format!("check {}", check.name);
            let expected = "to run, for CI is true and no --may-skip names it";
            faults.add(&what, expected, format!("skipped: {why}"));
        }
        skipped.push((exercise.id(), check.name.clone(), why.clone()));
    }
    skipped
}

/// Returns the checks of a run. If the run gave no verdict, reports a fault.
fn ran<'t>(what: &str, expected: &str, tried: &'t Try, faults: &mut Faults) -> Option<&'t [Check]> {
    match &tried.result {
        Ok(checks) => return Some(checks),
        // Reported once for the solution, and for each wrong answer with what rustc said.
        Err(Unable::NoCheck) if what != "the solution" => {}
        Err(Unable::NoProgram) if what.starts_with("wrong/") => {}
        Err(Unable::NoCheck) => faults.add(
            what,
            expected,
            "its check does not compile, or isn't in its Cargo.toml",
        ),
        Err(Unable::NoProgram) => faults.add(what, expected, "it does not compile"),
        Err(Unable::Stuck(limit)) => {
            let happened = format!("the checks had not ended after {} s", limit.as_secs());
            faults.add(what, expected, happened);
        }
        Err(Unable::Died(output)) => {
            faults.with_story(what, expected, "the checks ended without a verdict", output);
        }
    }
    None
}

/// Says which checks failed, and which should have failed but did not.
fn happened(failed: &[&Check], named: &BTreeSet<&str>) -> String {
    let failing: BTreeSet<&str> = failed.iter().map(|check| check.name.as_str()).collect();
    let text = format!("failed: {}", names(failed.iter().copied()));
    let passed: Vec<&str> = named.difference(&failing).copied().collect();
    if passed.is_empty() {
        text
    } else {
        format!("{text}; passed: {}", passed.join(", "))
    }
}

fn names<'c>(checks: impl Iterator<Item = &'c Check>) -> String {
    let names: Vec<&str> = checks.map(|check| check.name.as_str()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::todo_messages;

    #[test]
    fn a_todos_message_is_known_around_its_placeholders() {
        let source = "todo!(\"go to {address}, then {x:?}\"); todo!(); todo!(\n    \"stop \\\n     there\"\n)";
        assert_eq!(
            todo_messages(source),
            [vec!["go to ", ", then "], vec!["stop there"]]
        );
    }
}
