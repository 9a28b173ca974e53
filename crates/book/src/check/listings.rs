//! Checks that each listing names its file, with a link in the paragraph above it. GitHub and other
//! forges show a page without replacing includes, so a reader there gets only the link.

use regex::Regex;

use super::Findings;
use super::links::normal;
use crate::Book;
use crate::markdown::Page;

pub fn check(book: &Book, found: &mut Findings<'_>) {
    let include = Regex::new(r"\{\{\s*#include\s+([^\s:}]+)").expect("a constant pattern");
    for page in &book.pages {
        for block in &page.blocks {
            for file in include.captures_iter(&block.text) {
                let path = normal(&book.src.join(&file[1]));
                // A file that is missing is a broken include, and is reported as one.
                if path.is_file() && !linked_above(page, block.line, &file[1]) {
                    let name = path.strip_prefix(&book.root).unwrap_or(&path).display();
                    let what = format!(
                        "a listing that doesn't name its file: write [`{name}`]({}) above it, as a \
                         paragraph of its own",
                        &file[1]
                    );
                    found.add(&page.path, block.line, what);
                }
            }
        }
    }
}

/// Whether the paragraph above the code block, whose fence is on `fence`, links to `file`.
fn linked_above(page: &Page, fence: usize, file: &str) -> bool {
    let lines: Vec<_> = page.text.lines().take(fence - 1).collect();
    let is_blank = |line: &&&str| line.trim_matches(['>', ' ']).is_empty();
    let gap = lines.iter().rev().take_while(is_blank).count();
    let last = lines.len() - gap;
    let paragraph = lines[..last].iter().rev();
    let length = paragraph.take_while(|line| !is_blank(line)).count();
    page.links.iter().any(|link| {
        let to = link.to.split('#').next();
        to == Some(file) && link.line > last - length && link.line <= last
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn named(text: &str, fence: usize) -> bool {
        let page = Page::new(Path::new("01-a.md"), text.to_owned());
        linked_above(&page, fence, "../a.rs")
    }

    #[test]
    fn the_link_may_stand_anywhere_in_the_paragraph_above() {
        assert!(named("See\n[a](../a.rs#L3)\nand b.\n\n```rust\n```\n", 5));
        assert!(named("[a](../a.rs)\n```rust\n```\n", 2));
        assert!(named("> [a](../a.rs)\n>\n> ```rust\n> ```\n", 3));
    }

    #[test]
    fn a_link_elsewhere_or_to_another_file_does_not_count() {
        assert!(!named("[a](../a.rs)\n\nLook:\n\n```rust\n```\n", 5));
        assert!(!named("[a](../b.rs)\n\n```rust\n```\n", 3));
        assert!(!named("```rust\n```\n\n[a](../a.rs)\n", 1));
    }
}
