//! Checks that listings are included by anchors that exist. If an anchor is missing, mdBook
//! silently leaves a gap.

use std::fs;
use std::path::Path;

use regex::Regex;

use super::Findings;
use crate::Book;
use crate::markdown::{Block, Page};

/// How many lines of Rust a page may contain itself. A longer block must be included from a
/// program.
const PASTED_LINES: usize = 3;

pub fn check(book: &Book, found: &mut Findings<'_>) {
    let include = Regex::new(r"\{\{\s*#(\w+)\s+([^\s}]+)[^}]*\}\}").expect("a constant pattern");
    for page in &book.pages {
        for (number, line) in page.text.lines().enumerate() {
            for directive in include.captures_iter(line) {
                if &directive[1] == "title" || line.contains(r"\{{") {
                    continue;
                }
                if let Err(what) = included(&book.src, &directive[1], &directive[2]) {
                    found.add(&page.path, number + 1, what);
                }
            }
        }
        pasted(page, found);
    }
}

/// Checks `{{#kind what}}`, and returns what is wrong with it.
fn included(src: &Path, kind: &str, what: &str) -> Result<(), String> {
    if kind != "include" {
        return Err(format!(
            "{{{{#{kind} …}}}} is not used in this book: write {{{{#include …}}}}"
        ));
    }
    let (file, anchor) = what
        .split_once(':')
        .map_or((what, None), |(file, a)| (file, Some(a)));
    let text = fs::read_to_string(src.join(file)).map_err(|e| {
        format!("cannot include {file}: {e}: correct the path, relative to docs/src")
    })?;
    let Some(anchor) = anchor else {
        return if text.trim().is_empty() {
            Err(format!("{file} is empty"))
        } else {
            Ok(())
        };
    };
    if anchor.is_empty() || anchor.contains(':') || anchor.parse::<usize>().is_ok() {
        return Err(format!(
            "{what} includes by line, which drifts: put an ANCHOR into {file}"
        ));
    }
    let lines = anchored(&text, anchor).map_err(|missing| {
        format!("{file} has no “{missing}: {anchor}”: add it, or correct the name here")
    })?;
    if lines == 0 {
        Err(format!(
            "there is nothing between the anchors “{anchor}” in {file}"
        ))
    } else {
        Ok(())
    }
}

/// Returns the number of lines between the anchors, or which of the two anchors is missing.
fn anchored(text: &str, anchor: &str) -> Result<usize, &'static str> {
    let named = |mark: &str| {
        let pattern = format!(r"{mark}:\s*{}(?:$|[^\w-])", regex::escape(anchor));
        let pattern = Regex::new(&pattern).expect("an escaped name between constants");
        move |line: &&str| pattern.is_match(line)
    };
    let begins = named("ANCHOR");
    let ends = named("ANCHOR_END");
    let mut inside = text
        .lines()
        .skip_while(|line| !begins(line))
        .skip(1)
        .peekable();
    if !text.lines().any(|line| begins(&line)) {
        return Err("ANCHOR");
    }
    let mut lines = 0;
    loop {
        match inside.next() {
            None => return Err("ANCHOR_END"),
            Some(line) if ends(&line) => return Ok(lines),
            Some(line) => lines += usize::from(!line.trim().is_empty()),
        }
    }
}

fn pasted(page: &Page, found: &mut Findings<'_>) {
    let is_rust = |block: &&Block| matches!(block.language(), "rust" | "rs");
    for block in page.blocks.iter().filter(is_rust) {
        let lines = block
            .text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .count();
        if lines > PASTED_LINES && !block.text.contains("{{#include") {
            found.add(
                &page.path,
                block.line,
                format!(
                    "a pasted listing of {lines} lines: put it into a program that is compiled and \
                     {{{{#include}}}} it by anchor"
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_its_whole_name() {
        let text = "// ANCHOR: serve-all\na\n// ANCHOR_END: serve-all\n";
        assert_eq!(anchored(text, "serve-all"), Ok(1));
        assert_eq!(anchored(text, "serve"), Err("ANCHOR"));
    }

    #[test]
    fn an_anchor_that_does_not_end_is_missing_its_end() {
        assert_eq!(anchored("// ANCHOR: a\nx\n", "a"), Err("ANCHOR_END"));
    }
}
