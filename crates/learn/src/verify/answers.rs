//! What an exercise's folders hold for `verify`: its wrong answers, and what each says of itself.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::course::{Course, Exercise};

pub struct Answers<'c> {
    pub exercise: &'c Exercise,
    /// By file name.
    pub wrong: Vec<Wrong>,
}

pub struct Wrong {
    /// The file's name without `.rs`.
    pub stem: String,
    /// The checks that its first line names; none without such a line.
    pub caught_by: Vec<String>,
    /// Words of the explanation that the first of these gives; empty where none are named.
    pub told: String,
}

impl Wrong {
    /// The name of the `[[example]]` that builds it: `wrong-04-01-one-read` for `one_read.rs`.
    pub fn target(&self, exercise: &Exercise) -> String {
        format!("wrong-{}-{}", exercise.id(), self.stem.replace('_', "-"))
    }
}

/// Reads the wrong answers of an exercise.
pub fn of<'c>(course: &Course, exercise: &'c Exercise) -> Result<Answers<'c>> {
    let mut wrong = Vec::new();
    // Without the folder there are none, which is a fault that the judge names.
    let entries = fs::read_dir(exercise.solution_path(&course.root).join("wrong"));
    for entry in entries.into_iter().flatten() {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "rs") {
            wrong.push(read(&path)?);
        }
    }
    wrong.sort_by(|a, b| a.stem.cmp(&b.stem));
    Ok(Answers { exercise, wrong })
}

fn read(path: &Path) -> Result<Wrong> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(Wrong {
        stem,
        caught_by: caught_by(&text),
        told: told(&text),
    })
}

fn header(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("//!"));
    lines.map(str::trim)
}

/// The names after `//! Caught by:`; a line that ends in a comma goes on in the next.
fn caught_by(text: &str) -> Vec<String> {
    let mut lines = header(text);
    let mut named = lines
        .find_map(|line| line.strip_prefix("Caught by:"))
        .unwrap_or("")
        .to_owned();
    while named.ends_with(',')
        && let Some(more) = lines.next()
    {
        named.push_str(more);
    }
    let names = named
        .split(',')
        .map(|name| name.trim_matches([' ', '`', '.']).to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

/// What follows `//! Told:`, to the end of the line.
fn told(text: &str) -> String {
    let told = header(text).find_map(|line| line.strip_prefix("Told:"));
    told.unwrap_or("").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{caught_by, told};

    #[test]
    fn a_wrong_answer_names_the_checks_that_catch_it() {
        let text =
            "//! Caught by: `a`, b,\n//! tcp::c.\n//!\n//! One read, one message.\nfn main() {}\n";
        assert_eq!(caught_by(text), ["a", "b", "tcp::c"]);
        assert_eq!(caught_by("//! One read.\n//! Caught by: a\n"), ["a"]);
        assert!(caught_by("fn main() {}").is_empty());
    }

    #[test]
    fn and_the_words_by_which_the_first_explains_it() {
        let text = "//! Caught by: a, b\n//! Told: Keep reading until\n//!\n//! One read.\n";
        assert_eq!(told(text), "Keep reading until");
        assert_eq!(told("//! Caught by: a\n"), "");
    }
}
