//! Checks that the explanations in verdicts that a chapter quotes are those that the checks give
//! now.

use std::sync::LazyLock;

use anyhow::Result;
use course::Course;
use regex::Regex;

use super::{Findings, read, rust_files};
use crate::Book;

/// Matches the line of a verdict that says what was expected.
static EXPECTED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^ +expected   ").expect("a pattern"));
/// Matches the lines at the end of a verdict: the explanation, and the line that names the section.
static EXPLANATION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"((?:\n \S.*)+)\s*$").expect("a pattern"));
static SECTION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\n Chapter \d+: docs/src/.*").expect("a pattern"));
/// Matches the last line of a verdict, which names a picture.
static PICTURE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\n The same as a picture: .*").expect("a pattern"));
/// Matches a time in the timeline. With four digits before the decimal point, its line begins like
/// an explanation.
static MOMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\n \d+\.\d ms  .*").expect("a pattern"));

pub fn check(book: &Book, course: &Course, found: &mut Findings<'_>) -> Result<()> {
    let mut told = String::new();
    for exercise in course.exercises() {
        // A check's explanations may be in other files next to its own.
        for file in rust_files(&exercise.path(&course.root).join("tests"))? {
            told += &said(&read(&file)?);
        }
    }
    for page in book.chapters() {
        for block in &page.blocks {
            if block.language() != "text" || !EXPECTED.is_match(&block.text) {
                continue;
            }
            let text = SECTION.replace(&block.text, "");
            let text = PICTURE.replace(&text, "");
            let text = MOMENT.replace_all(&text, "");
            let Some(explanation) = EXPLANATION.captures(&text) else {
                continue;
            };
            if !told.contains(&one_line(&explanation[1])) {
                found.add(
                    &page.path,
                    block.line,
                    "no check has the explanation in this verdict: paste its current text",
                );
            }
        }
    }
    Ok(())
}

/// Returns the sentences in a check's source, without Rust's string syntax.
fn said(source: &str) -> String {
    one_line(&source.replace("\\\n", "").replace("\\\"", "\""))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
