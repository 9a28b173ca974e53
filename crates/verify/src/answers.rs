//! What `cargo verify` finds in an exercise's folders: its solution and its wrong answers, and what
//! the header of each wrong answer says.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use course::diff::Misfit;
use course::{Course, Exercise, read_text};

use crate::mistake::{Header, Mistake};

pub struct Answers<'c> {
    pub exercise: &'c Exercise,
    /// The wrong answers, ordered by name.
    pub wrong: Vec<Wrong>,
    /// Files in the folder of wrong answers that aren't wrong answers.
    pub strays: Vec<String>,
}

pub struct Wrong {
    /// The file's name without its extension.
    pub stem: String,
    /// The file's path: `wrong/one_read.diff`, or `.rs` if the book shows it, too.
    pub file: String,
    /// The checks that the header names after `Caught by:`; empty if there is no such line.
    pub caught_by: Vec<String>,
    /// Words of the explanation that the first of these checks gives (`Told:`); empty if there are
    /// none.
    pub told: String,
    /// The complete program, or why the diff doesn't fit the solution.
    pub program: Result<String, Misfit>,
    /// Whether saving the same mistake again would change the file, because the solution's lines
    /// have moved.
    pub moved: bool,
}

impl Wrong {
    /// Returns the name of the program: `wrong-04-01-one-read` for `one_read.diff`.
    pub fn target(&self, exercise: &Exercise) -> String {
        format!("wrong-{}-{}", exercise.id(), self.stem.replace('_', "-"))
    }
}

/// Returns the folder of an exercise's wrong answers.
pub fn folder(course: &Course, exercise: &Exercise) -> std::path::PathBuf {
    exercise.solution_path(&course.root).join("wrong")
}

/// Reads the wrong answers of an exercise.
pub fn of<'c>(course: &Course, exercise: &'c Exercise) -> Result<Answers<'c>> {
    // Without a solution nothing fits; the judge reports the missing solution.
    let solution = read_text(&exercise.solution_rs(&course.root)).unwrap_or_default();
    let mut wrong = Vec::new();
    let mut strays = Vec::new();
    // Without the folder there are none, which the judge reports.
    for entry in fs::read_dir(folder(course, exercise)).into_iter().flatten() {
        let path = entry?.path();
        match read(&path, &solution)? {
            Some(answer) => wrong.push(answer),
            None => strays.push(file_name(&path)),
        }
    }
    wrong.sort_by(|a, b| a.stem.cmp(&b.stem));
    if let Some(pair) = wrong.windows(2).find(|pair| pair[0].stem == pair[1].stem) {
        let (one, other) = (&pair[0].file, &pair[1].file);
        bail!(
            "solutions/{}/{one} and {other} have one name: delete one",
            exercise.folder
        );
    }
    strays.sort();
    Ok(Answers {
        exercise,
        wrong,
        strays,
    })
}

fn read(path: &Path, solution: &str) -> Result<Option<Wrong>> {
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let (header, program, moved) = match path.extension().and_then(|end| end.to_str()) {
        Some("rs") => {
            let text = read_text(path)?;
            (Header::of_docs(&text), Ok(text), false)
        }
        Some("diff") => {
            let mistake = Mistake::read(&read_text(path)?);
            let program = mistake.program(solution);
            let today = program
                .as_ref()
                .map(|program| course::diff::make(solution, program));
            let moved = today.is_ok_and(|today| today != mistake.diff);
            (mistake.header, program, moved)
        }
        _ => return Ok(None),
    };
    Ok(Some(Wrong {
        stem,
        file: format!("wrong/{}", file_name(path)),
        caught_by: header.caught_by(),
        told: header.told(),
        program,
        moved,
    }))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Returns the text of the solution's program.
pub fn solution(course: &Course, exercise: &Exercise) -> Result<String> {
    read_text(&exercise.solution_rs(&course.root))
        .with_context(|| format!("exercise {} has no solution yet", exercise.id()))
}
