//! Checks the appendix that lists what the servers promise: each row names the test that proves it,
//! and that test must exist.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Result;
use regex::Regex;

use super::{Findings, list, read};
use crate::Book;

const PAGE: &str = "appendix-promises";

pub fn check(book: &Book, found: &mut Findings<'_>) -> Result<()> {
    let Some(page) = book.pages.iter().find(|page| page.stem() == PAGE) else {
        return Ok(());
    };
    let name = Regex::new("`([^`]*)`").expect("a constant pattern");
    let tests = tests(&book.root)?;
    for (number, line) in page.text.lines().enumerate() {
        let Some(cell) = last_cell(line) else {
            continue;
        };
        if cell == "test" || cell.starts_with("---") {
            continue;
        }
        let mut names = name
            .captures_iter(cell)
            .map(|found| found[1].to_owned())
            .peekable();
        if names.peek().is_none() {
            found.add(
                &page.path,
                number + 1,
                "no test: name the test that proves this promise, in `…`",
            );
        }
        for test in names.filter(|test| !tests.contains(test)) {
            let what = format!("no test in crates/*/tests is called {test}: correct the name");
            found.add(&page.path, number + 1, what);
        }
    }
    Ok(())
}

fn last_cell(line: &str) -> Option<&str> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    row.rsplit_once('|').map(|(_, cell)| cell.trim())
}

/// Returns the names of all tests in `crates/*/tests`.
fn tests(root: &Path) -> Result<HashSet<String>> {
    let test =
        Regex::new(r"#\[test\]\s*(?:#\[[^\]]*\]\s*)*fn (\w+)\(").expect("a constant pattern");
    let mut names = HashSet::new();
    let mut folders: Vec<_> = list(&root.join("crates"))?
        .into_iter()
        .map(|folder| folder.join("tests"))
        .collect();
    while let Some(folder) = folders.pop() {
        for path in list(&folder)? {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                names.extend(
                    test.captures_iter(&read(&path)?)
                        .map(|found| found[1].to_owned()),
                );
            }
        }
    }
    Ok(names)
}
