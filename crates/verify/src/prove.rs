//! Checks what an exercise promises.
//!
//! For every exercise: the stub fails, with its `todo!` in the first check's verdict; the solution
//! passes; every wrong answer in `solutions/NN/MM/wrong/` fails exactly the checks that its header
//! names (`Caught by: a, b`), and the first of these, the one that teaches first, is also the one
//! that `cargo learn` shows first, and explains that very mistake: in the words that the answer
//! asks for (`Told: …`); every check is caught failing by some wrong answer; every wrong answer
//! fits the solution as it is, is formatted, and nothing that Clippy knows is its mistake;
//! `stub.diff` makes the exercise's `main.rs` of the solution; the README tells of every check and
//! has three hints. And 17-01's solution, a tester, judges chapter 4's servers correctly
//! ([`testers`]).
//!
//! A few calls of Cargo build everything ([`mod@compile`]); the check's own binary then runs
//! against each program by `CHECK_PROGRAM`, several at once ([`run`]), while Clippy and rustfmt
//! read them; the outcome is judged without touching anything ([`judge`]).

use std::io::Write as _;
use std::thread;
use std::time::Instant;

use anyhow::Result;
use course::screen::Screen;
use course::{Course, Exercise};

use crate::answers::{self, Answers};
use crate::compile::{self, Style};
use crate::judge::{self, Fault, Judged, Rules};
use crate::run::{self, Tried};
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
    let (mut passed, mut failed, mut skips) = (0, 0, Vec::new());
    thread::scope(|scope| {
        let mut looking = Some(scope.spawn(|| compile::style(course, &built)));
        let mut style = Style::default();
        let judge = &mut |answers: &Answers<'_>, tried: &Tried| {
            if let Some(looking) = looking.take() {
                style = looking.join().expect("it does not panic")?;
            }
            let judged = judge::judge(course, answers, (&built, &style), tried, rules);
            *(if judged.faults.is_empty() {
                &mut passed
            } else {
                &mut failed
            }) += 1;
            skips.extend(judged.skipped.iter().cloned());
            report(screen, answers, tried, &judged)
        };
        let how = (rules.time, &judge::is_as_expected as run::AsExpected<'_>);
        run::each(course, &answers[..looked_at], &built, how, judge)
    })?;
    if let Some((servers, faults)) = testers::prove(&answers, &built) {
        *(if faults.is_empty() {
            &mut passed
        } else {
            &mut failed
        }) += 1;
        report_tester(screen, servers, &faults)?;
    }
    for (id, name, why) in &skips {
        writeln!(screen, "skipped: {id} {name}: {why}")?;
    }
    writeln!(screen, "{:.1} s in all", start.elapsed().as_secs_f64())?;
    writeln!(screen, "{passed} passed, {failed} failed")?;
    Ok(failed == 0)
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
    let wrong = answers.wrong.iter().map(|wrong| wrong.file.as_str());
    let names = ["the stub", "the solution"].into_iter().chain(wrong);
    let tries = [&tried.stub, &tried.solution]
        .into_iter()
        .chain(&tried.wrong);
    names
        .zip(tries)
        .filter_map(|(name, tried)| Some((name, tried.again?)))
}

/// Reports what 17-01's solution said about chapter 4's servers.
fn report_tester(screen: &mut Screen, servers: usize, faults: &[Fault]) -> Result<()> {
    let paint = screen.paint;
    let mark = if faults.is_empty() {
        paint.good("ok  ")
    } else {
        paint.bad("FAIL")
    };
    let count = paint.dim(&format!("{servers} servers of chapter 4"));
    writeln!(screen, "{mark} {:<30} {count}", "17-01's solution judges")?;
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
