//! Shows how the solution differs from the learner's own.

use std::fs;
use std::io::{self, Write as _};

use anyhow::{Context, Result};
use similar::{ChangeTag, TextDiff};

use crate::progress::Progress;
use course::screen::Screen;
use course::{Course, Exercise};

/// Lines of context around a difference.
const CONTEXT: usize = 4;

/// `cargo learn solution`: asks first if the exercise isn't solved, unless `sure`. Returns whether
/// it was shown.
pub fn solution(
    screen: &mut Screen,
    course: &Course,
    exercise: &Exercise,
    sure: bool,
) -> Result<bool> {
    let file = exercise.solution_path(&course.root).join("src/main.rs");
    let ours =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let done = Progress::load(course).is_done(course, exercise);
    if !done && !sure && !ask(screen, exercise)? {
        writeln!(
            screen,
            "Kept shut. A hint may do: cargo learn hint {}",
            exercise.id()
        )?;
        return Ok(false);
    }
    let shown = format!("solutions/{}/src/main.rs", exercise.folder);
    if !exercise.touched(&course.root) {
        writeln!(screen, "{}\n\n{ours}", screen.paint.bold(&shown))?;
        return Ok(true);
    }
    let file = exercise.main_rs(&course.root);
    let own =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    difference(screen, [&exercise.file(), &shown], [&own, &ours])?;
    Ok(true)
}

/// Whether the learner wants to see the solution of what they haven't solved. No answer is a no.
fn ask(screen: &mut Screen, exercise: &Exercise) -> Result<bool> {
    let question = format!(
        "{} isn't solved yet. Show the solution? [y/N] ",
        exercise.id()
    );
    write!(screen, "{question}")?;
    screen.flush()?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .context("cannot read the answer")?;
    if answer.is_empty() {
        writeln!(screen)?;
    }
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn difference(screen: &mut Screen, names: [&str; 2], texts: [&str; 2]) -> Result<()> {
    let paint = screen.paint;
    let [own, ours] = texts.map(|text| text.replace("\r\n", "\n"));
    let diff = TextDiff::from_lines(&own, &ours);
    writeln!(
        screen,
        "{}\n{}",
        paint.bad(&format!("- yours  {}", names[0])),
        paint.good(&format!("+ ours   {}", names[1]))
    )?;
    if own == ours {
        writeln!(screen, "\nThey are the same.")?;
    }
    for group in diff.grouped_ops(CONTEXT) {
        writeln!(screen, "{}", paint.dim("·····"))?;
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value().trim_end_matches('\n');
            match change.tag() {
                ChangeTag::Delete => writeln!(screen, "{}", paint.bad(&format!("- {line}")))?,
                ChangeTag::Insert => writeln!(screen, "{}", paint.good(&format!("+ {line}")))?,
                ChangeTag::Equal => writeln!(screen, "  {line}")?,
            }
        }
    }
    Ok(())
}
