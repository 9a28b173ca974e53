//! Checks what an exercise promises.
//!
//! For every exercise:
//!
//! - The stub fails, with its `todo!` in the first check's verdict, and the solution passes.
//! - Every wrong answer in `solutions/NN/MM/wrong/` fits the solution as it is, is formatted, and its
//!   mistake is nothing that Clippy reports.
//! - Every wrong answer fails exactly the checks that its header names (`Caught by: a, b`). The first
//!   of these checks is also the one that `cargo learn` shows first, and its explanation contains the
//!   words that the header asks for (`Told: …`).
//! - Every check fails for at least one wrong answer.
//! - `stub.diff`, applied to the solution, gives the exercise's `main.rs`.
//! - The README mentions every check, and has three hints.
//!
//! Beyond single exercises: 17-01's solution, a tester, judges chapter 4's servers correctly
//! ([`testers`]), and the verdicts that the chapters quote are those that the checks give
//! ([`quoted`]).
//!
//! A few calls of Cargo build everything ([`mod@compile`]). Then the check's own binary runs against
//! each program, which `CHECK_PROGRAM` names, several at the same time ([`run`]), while Clippy and
//! rustfmt read the programs. The outcome is judged without touching anything ([`judge`]).

use std::io::Write as _;
use std::thread;
use std::time::Instant;

use anyhow::Result;
use course::screen::Screen;
use course::{Course, Exercise};

use crate::answers::{self, Answers};
use crate::compile::{self, Built, Style};
use crate::judge::{self, Fault, Judged, Rules};
use crate::quoted::{self, Verdict};
use crate::run::{self, Tried, Try};
use crate::testers;

/// `cargo verify`: checks one exercise or all of them. Returns whether all promises hold.
pub fn prove(
    screen: &mut Screen,
    course: &Course,
    only: Option<&Exercise>,
    rules: &Rules,
) -> Result<bool> {
    let exercises: Vec<&Exercise> = course
        .exercises()
        .filter(|e| only.is_none_or(|o| o == *e))
        .collect();
    let answers = exercises
        .iter()
        .map(|exercise| answers::of(course, exercise));
    let mut answers: Vec<Answers<'_>> = answers.collect::<Result<_>>()?;
    let start = Instant::now();
    let looked_at = answers.len();
    answers.extend(testers::further(course, &exercises)?);
    let built = compile::build(screen, course, &answers)?;
    writeln!(screen, "built in {:.1} s", start.elapsed().as_secs_f64())?;
    let (mut tally, mut skips, mut given) = (Tally::default(), Vec::new(), Vec::new());
    let mut number = 0;
    thread::scope(|scope| {
        let mut looking = Some(scope.spawn(|| compile::style(course, &built)));
        let mut style = Style::default();
        let judge = &mut |answers: &Answers<'_>, tried: &Tried| {
            if let Some(looking) = looking.take() {
                style = looking.join().expect("it does not panic")?;
            }
            let judged = judge::judge(course, answers, (&built, &style), tried, rules);
            tally.add(&judged.faults);
            skips.extend(judged.skipped.iter().cloned());
            for (program, (name, tried)) in programs(answers, tried).enumerate() {
                given.extend(verdicts(answers, name, (number, program), tried));
            }
            number += 1;
            report(screen, answers, tried, &judged)
        };
        let how = (rules.time, &judge::is_as_expected as run::AsExpected<'_>);
        run::each(course, &answers[..looked_at], &built, how, judge)
    })?;
    // What a chapter quotes may be of any exercise.
    let given = only.is_none().then_some(given);
    further_proofs(screen, course, (&answers, &built, rules), given, &mut tally)?;
    for (id, name, why) in &skips {
        writeln!(screen, "skipped: {id} {name}: {why}")?;
    }
    writeln!(screen, "{:.1} s in all", start.elapsed().as_secs_f64())?;
    writeln!(screen, "{} passed, {} failed", tally.passed, tally.failed)?;
    Ok(tally.failed == 0)
}

/// Proves what is about more than one exercise.
fn further_proofs(
    screen: &mut Screen,
    course: &Course,
    (answers, built, rules): (&[Answers<'_>], &Built, &Rules),
    given: Option<Vec<Verdict>>,
    tally: &mut Tally,
) -> Result<()> {
    if let Some((servers, faults)) = testers::prove(answers, built) {
        tally.add(&faults);
        let count = format!("{servers} servers of chapter 4");
        report_further(screen, "17-01's solution judges", &count, &faults)?;
    }
    let again = |(number, program): quoted::Program| {
        let answers = &answers[number];
        let tried = run::again(course, answers, built, program, rules.time);
        let name = names(answers).nth(program).expect("it has been run");
        verdicts(answers, name, (number, program), &tried).collect()
    };
    if let Some((count, faults)) = given.and_then(|given| quoted::prove(course, given, again)) {
        tally.add(&faults);
        let count = format!("{count} quoted");
        report_further(screen, "verdicts in the chapters", &count, &faults)?;
    }
    Ok(())
}

/// How much of what was looked at has no fault, and how much has one.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn add(&mut self, faults: &[Fault]) {
        *(if faults.is_empty() {
            &mut self.passed
        } else {
            &mut self.failed
        }) += 1;
    }
}

/// Returns the verdicts that a program got.
fn verdicts<'t>(
    answers: &Answers<'_>,
    name: &str,
    program: quoted::Program,
    tried: &'t Try,
) -> impl Iterator<Item = Verdict> + use<'t> {
    let what = format!("{} {name}", answers.exercise.id());
    let checks = tried.result.as_deref().unwrap_or_default();
    let failed = checks.iter().filter(|check| check.failed());
    failed.map(move |check| {
        let what = format!("{what} by {}", check.name);
        Verdict::new(program, what, &check.output)
    })
}

fn report(
    screen: &mut Screen,
    answers: &Answers<'_>,
    tried: &Tried,
    judged: &Judged,
) -> Result<()> {
    let paint = screen.paint;
    let exercise = answers.exercise;
    let name = format!("{} {:<24}", exercise.id(), exercise.name);
    let mark = if judged.faults.is_empty() {
        paint.good("ok  ")
    } else {
        paint.bad("FAIL")
    };
    let count = format!(
        "{} wrong answers, {} checks",
        answers.wrong.len(),
        judged.checks
    );
    let time = format!("{:.1} s", tried.time().as_secs_f64());
    writeln!(
        screen,
        "{mark} {name} {}",
        paint.dim(&format!("{count}, {time}"))
    )?;
    report_faults(screen, &judged.faults)?;
    for (name, why) in tried_again(answers, tried) {
        writeln!(
            screen,
            "     {}",
            paint.dim(&format!("{name}: tried again: {why}"))
        )?;
    }
    Ok(())
}

/// Returns the programs that were run more than once, and why.
fn tried_again<'t>(
    answers: &'t Answers<'_>,
    tried: &'t Tried,
) -> impl Iterator<Item = (&'t str, &'static str)> {
    programs(answers, tried).filter_map(|(name, tried)| Some((name, tried.again?)))
}

/// Returns the programs of an exercise by name, each with its result.
fn programs<'t>(
    answers: &'t Answers<'_>,
    tried: &'t Tried,
) -> impl Iterator<Item = (&'t str, &'t Try)> {
    let tries = [&tried.stub, &tried.solution].into_iter();
    names(answers).zip(tries.chain(&tried.wrong))
}

fn names<'t>(answers: &'t Answers<'_>) -> impl Iterator<Item = &'t str> {
    let wrong = answers.wrong.iter().map(|wrong| wrong.file.as_str());
    ["the stub", "the solution"].into_iter().chain(wrong)
}

/// Reports what is proven of more than one exercise.
fn report_further(screen: &mut Screen, what: &str, count: &str, faults: &[Fault]) -> Result<()> {
    let paint = screen.paint;
    let mark = if faults.is_empty() {
        paint.good("ok  ")
    } else {
        paint.bad("FAIL")
    };
    writeln!(screen, "{mark} {what:<30} {}", paint.dim(count))?;
    report_faults(screen, faults)
}

fn report_faults(screen: &mut Screen, faults: &[Fault]) -> Result<()> {
    let paint = screen.paint;
    for fault in faults {
        writeln!(screen, "     {}", paint.bold(&fault.what))?;
        writeln!(screen, "       expected  {}", fault.expected)?;
        writeln!(screen, "       happened  {}", fault.happened)?;
        for line in fault.story.lines() {
            writeln!(screen, "       | {line}")?;
        }
    }
    Ok(())
}
