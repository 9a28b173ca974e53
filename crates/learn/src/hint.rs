//! Shows the hints of an exercise's README, one at a time.

use std::fs;
use std::io::Write as _;

use anyhow::{Context, Result, bail};

use course::screen::Screen;
use course::{Course, Exercise, hints};

/// `cargo learn hint`: shows hint `number`, counted from 1, and says how to see the next hint.
pub fn hint(
    screen: &mut Screen,
    course: &Course,
    exercise: &Exercise,
    number: usize,
) -> Result<()> {
    let file = format!("exercises/{}/README.md", exercise.folder);
    let text = fs::read_to_string(course.root.join(&file));
    let hints = hints(&text.with_context(|| format!("cannot read {file}"))?);
    let Some(hint) = number.checked_sub(1).and_then(|index| hints.get(index)) else {
        bail!(
            "exercise {} has hints 1 to {}, not {number}",
            exercise.id(),
            hints.len()
        );
    };
    let title = format!(
        "{} {}, hint {number} of {}",
        exercise.id(),
        exercise.name,
        hints.len()
    );
    writeln!(screen, "{}\n\n{hint}\n", screen.paint.bold(&title))?;
    let next = if number < hints.len() {
        format!(
            "more help: cargo learn hint {} {}",
            exercise.id(),
            number + 1
        )
    } else {
        format!(
            "no more hints; our solution: cargo learn solution {}",
            exercise.id()
        )
    };
    writeln!(screen, "{}", screen.paint.dim(&next))?;
    Ok(())
}
