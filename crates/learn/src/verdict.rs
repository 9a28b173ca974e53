//! The outcome of a check, and how it is shown to the learner.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Result;

use course::libtest::{Check, Outcome};
use course::screen::Screen;
use course::{Course, Exercise};

pub enum Verdict {
    Passed(Vec<Check>),
    Failed(Vec<Check>),
    /// rustc found an error in the exercise's code.
    NotCompiled,
    /// Every check was skipped.
    NotChecked(Vec<Check>),
    /// The checks could not be built, for a reason other than the exercise's code. The text is what
    /// Cargo or the system reported.
    NotBuilt(String),
    /// The checks did not end within this time.
    Stuck(Duration),
    /// The test process died. The text is its last lines of output.
    Broken(String),
    /// The learner stopped the check.
    Stopped,
}

impl Verdict {
    pub fn passed(&self) -> bool {
        matches!(self, Self::Passed(_))
    }

    /// Whether the exercise is solved; `None` if the outcome says nothing about the learner's
    /// program.
    pub fn solved(&self) -> Option<bool> {
        match self {
            Self::Passed(_) => Some(true),
            Self::Failed(_) | Self::NotCompiled => Some(false),
            _ => None,
        }
    }
}

pub fn show(screen: &mut Screen, exercise: &Exercise, verdict: &Verdict) -> Result<()> {
    let paint = screen.paint;
    match verdict {
        Verdict::Passed(checks) => {
            list(screen, checks)?;
            let text = format!("{} {} is solved.", exercise.id(), exercise.name);
            writeln!(screen, "{}", paint.good(&text))?;
        }
        Verdict::Failed(checks) => {
            list(screen, checks)?;
            if let Some(first) = checks.iter().find(|check| check.failed()) {
                writeln!(screen, "\n{}\n\n{}", paint.bold(&first.name), first.output)?;
            }
        }
        Verdict::NotCompiled => writeln!(screen, "{}", paint.bad("It does not compile yet."))?,
        Verdict::NotChecked(checks) => {
            list(screen, checks)?;
            writeln!(screen, "{}", paint.bad("None of its checks can run here."))?;
        }
        Verdict::NotBuilt(why) => writeln!(screen, "{}", paint.bad(why))?,
        Verdict::Stuck(time) => {
            let text = format!(
                "Stuck: still running after {} s, so it was stopped.",
                time.as_secs()
            );
            writeln!(screen, "{}", paint.bad(&text))?;
        }
        Verdict::Broken(output) => {
            let text = "The checks ended without a verdict.";
            writeln!(screen, "{output}\n{}", paint.bad(text))?;
        }
        Verdict::Stopped => {}
    }
    Ok(())
}

fn list(screen: &mut Screen, checks: &[Check]) -> Result<()> {
    let paint = screen.paint;
    for Check { name, outcome, .. } in checks {
        match outcome {
            Outcome::Passed => writeln!(screen, "  {} {name}", paint.good("✓"))?,
            Outcome::Failed => writeln!(screen, "  {} {name}", paint.bad("✗"))?,
            Outcome::Skipped(why) => {
                let why = paint.dim(&format!("skipped: {why}"));
                writeln!(screen, "  - {name}  {why}")?;
            }
        }
    }
    Ok(())
}

/// Tells the learner what to do after this verdict.
pub fn what_to_do(
    screen: &mut Screen,
    course: &Course,
    exercise: &Exercise,
    verdict: &Verdict,
) -> Result<()> {
    let page = &course.chapter_of(exercise).page;
    let id = exercise.id();
    let paint = screen.paint;
    writeln!(screen)?;
    let rows = [
        ("write", exercise.file()),
        ("task", format!("exercises/{}/README.md", exercise.folder)),
        ("read", page.clone()),
        ("hint", format!("cargo learn hint {id} 1")),
        (
            "again",
            format!("cargo learn check {id}   (or leave `cargo learn watch {id}` running)"),
        ),
    ];
    // Neither code nor hints help if the machine is at fault.
    let machine = matches!(verdict, Verdict::NotBuilt(_) | Verdict::NotChecked(_));
    let skipped = if machine { rows.len() - 1 } else { 0 };
    for (label, what) in rows.into_iter().skip(skipped) {
        writeln!(
            screen,
            "  {} {}",
            paint.dim(&format!("{label:<6}")),
            paint.name(&what)
        )?;
    }
    Ok(())
}
