//! Shows how the solution differs from the learner's program.

use std::fs;
use std::io::{self, BufRead as _, Write as _};

use anyhow::{Context, Result};
use similar::{ChangeTag, TextDiff};

use crate::progress::Progress;
use course::screen::Screen;
use course::{Course, Exercise};

/// How many lines of context are shown around a difference.
const CONTEXT: usize = 4;

/// `cargo learn solution`: shows the difference. If the exercise isn't solved, asks first, unless
/// `sure`. Returns whether it was shown.
pub fn solution(
    screen: &mut Screen,
    course: &Course,
    exercise: &Exercise,
    sure: bool,
) -> Result<bool> {
    let file = exercise.solution_path(&course.root).join("src/main.rs");
    let ours = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let ours = as_an_answer(&ours, exercise);
    let done = Progress::load(course).is_done(course, exercise);
    if !done && !sure && !ask(screen, exercise)? {
        writeln!(
            screen,
            "Not shown. A hint may be enough: cargo learn hint {}",
            exercise.id()
        )?;
        return Ok(false);
    }
    let shown = format!("solutions/{}/src/main.rs", exercise.folder);
    let file = exercise.main_rs(&course.root);
    let own = match fs::read(&file) {
        Ok(own) if exercise.touched(&course.root) => Some(own),
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    match own {
        Some(own) => {
            let own = as_an_answer(&own, exercise);
            difference(screen, [&exercise.file(), &shown], [&own, &ours])?;
        }
        None => writeln!(screen, "{}\n\n{ours}", screen.paint.bold(&shown))?,
    }
    Ok(true)
}

/// Returns a program as a learner would have written it: without the comments that mark the book's
/// listings, with the exercise's own package name, and with `\n` at the end of each line.
fn as_an_answer(text: &[u8], exercise: &Exercise) -> String {
    let text = String::from_utf8_lossy(text);
    let anchor = |line: &&str| {
        let comment = line
            .trim_start()
            .strip_prefix("//")
            .unwrap_or_default()
            .trim_start();
        !comment.starts_with("ANCHOR:") && !comment.starts_with("ANCHOR_END:")
    };
    let lines: Vec<&str> = text.lines().filter(anchor).collect();
    let text = lines.join("\n") + "\n";
    text.replace(&exercise.solution_package(), &exercise.package())
}

/// Asks whether the learner wants to see the solution of an exercise that isn't solved. Without an
/// answer, the result is false.
fn ask(screen: &mut Screen, exercise: &Exercise) -> Result<bool> {
    let question = format!(
        "{} isn't solved yet. Show the solution? [y/N] ",
        exercise.id()
    );
    write!(screen, "{question}")?;
    screen.flush()?;
    let mut answer = Vec::new();
    io::stdin()
        .lock()
        .read_until(b'\n', &mut answer)
        .context("cannot read the answer")?;
    let answer = String::from_utf8_lossy(&answer);
    if answer.is_empty() {
        writeln!(screen)?;
    }
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn difference(screen: &mut Screen, names: [&str; 2], texts: [&str; 2]) -> Result<()> {
    let paint = screen.paint;
    let [own, ours] = texts;
    let diff = TextDiff::from_lines(own, ours);
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
