//! Turns a link into the book into the name of the chapter's file and the section's heading.

use std::path::Path;

/// Returns `Chapter 4: docs/src/04-where-does-a-message-end.md, "Reading a whole frame"` for the
/// link `04-where-does-a-message-end.html#reading-a-whole-frame`.
///
/// The heading is read from the chapter's file under `root`. If the file has no such heading, the
/// words of the link's anchor are used.
pub(crate) fn section(link: &str, root: Option<&Path>) -> String {
    let (page, anchor) = link.split_once('#').unwrap_or((link, ""));
    let stem = page.trim_end_matches(".html").trim_end_matches(".md");
    let file = format!("docs/src/{stem}.md");
    let digits: String = stem.chars().take_while(char::is_ascii_digit).collect();
    let chapter = match digits.trim_start_matches('0') {
        "" => "The book".to_owned(),
        number => format!("Chapter {number}"),
    };
    if anchor.is_empty() {
        return format!("{chapter}: {file}");
    }
    let heading = root
        .and_then(|root| std::fs::read_to_string(root.join(&file)).ok())
        .and_then(|text| heading(&text, anchor))
        .unwrap_or_else(|| words(anchor));
    format!("{chapter}: {file}, \"{heading}\"")
}

fn heading(text: &str, anchor: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|rest| rest.trim_start_matches('#').trim())
        .find(|heading| slug(heading) == anchor)
        .map(|heading| heading.replace('`', ""))
}

/// Turns a heading into an anchor, as mdBook does: in lower case, with hyphens for spaces, without
/// punctuation. The crate `course` has the same function, but every check would then have to build
/// that crate.
fn slug(heading: &str) -> String {
    let keep = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    };
    heading.to_lowercase().chars().filter_map(keep).collect()
}

fn words(anchor: &str) -> String {
    let words = anchor.replace('-', " ");
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_the_chapter_the_file_and_the_section() {
        assert_eq!(
            section(
                "04-where-does-a-message-end.html#reading-a-whole-frame",
                None
            ),
            "Chapter 4: docs/src/04-where-does-a-message-end.md, \"Reading a whole frame\""
        );
    }

    #[test]
    fn the_heading_is_as_the_chapter_spells_it() {
        let text = "# A\n\n## What `Ok(0)` means\n";
        assert_eq!(
            heading(text, "what-ok0-means").as_deref(),
            Some("What Ok(0) means")
        );
    }

    #[test]
    fn anchors_are_those_that_the_book_has() {
        for heading in [
            "What `Ok(0)` means",
            "Who's there?",
            "État d'un côté, A_b-c",
            "1 + 1",
        ] {
            assert_eq!(slug(heading), course::slug(heading), "{heading}");
        }
    }

    #[test]
    fn a_page_without_a_number_is_the_books() {
        assert_eq!(section("wire.html", None), "The book: docs/src/wire.md");
    }
}
