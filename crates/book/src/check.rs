//! Finds the book's mistakes. Each is reported by file and line, with what to do about it.
//!
//! One module per kind of mistake; each has one function that takes the [`Book`] and adds to a list
//! of [`Problem`]s. None of them changes a file or opens a connection: links that leave the
//! repository are only parsed.

mod chapters;
mod exercises;
mod figures;
mod includes;
mod links;
mod listings;
mod map;
mod promises;
mod verdicts;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use course::Course;

use crate::Book;

/// A mistake in the book.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, relative to the workspace's root.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and what to do about it.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.what)
    }
}

/// Returns all mistakes of the book, by file and line.
///
/// # Errors
///
/// Fails if a file or a folder exists but can't be read.
pub fn all(book: &Book) -> Result<Vec<Problem>> {
    let course = Course::read(&book.root)?;
    let mut found = Findings {
        root: &book.root,
        problems: Vec::new(),
    };
    includes::check(book, &mut found);
    links::check(book, &course, &mut found)?;
    listings::check(book, &mut found);
    chapters::check(book, &mut found);
    exercises::check(book, &course, &mut found);
    figures::check(book, &mut found)?;
    promises::check(book, &mut found)?;
    map::check(book, &mut found)?;
    verdicts::check(book, &course, &mut found)?;
    let mut problems = found.problems;
    problems.sort();
    problems.dedup();
    Ok(problems)
}

/// The problems found so far.
struct Findings<'a> {
    root: &'a Path,
    problems: Vec<Problem>,
}

impl Findings<'_> {
    fn add(&mut self, file: &Path, line: usize, what: impl Into<String>) {
        let file = file.strip_prefix(self.root).unwrap_or(file).to_owned();
        self.problems.push(Problem {
            file,
            line,
            what: what.into(),
        });
    }
}

/// Returns the entries of `folder`, ordered by name; none if there is no such folder.
fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let read = || -> std::io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect()
    };
    let mut entries = read().with_context(|| format!("cannot list {}", folder.display()))?;
    entries.sort();
    Ok(entries)
}

/// Returns the Rust files in a folder and in its subfolders.
fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in list(folder)? {
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Reads a file that must exist.
fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
