//! Headings of Markdown, and the anchors generated from them.

/// Returns the text of each heading, in order, with its backticks. Lines in code blocks are not
/// headings.
pub fn headings(markdown: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    markdown.lines().filter_map(move |line| {
        fenced ^= line.trim_start().starts_with("```");
        if fenced { None } else { heading(line) }
    })
}

/// Returns the text of a line if it is a heading: one to six `#` and a space.
pub(crate) fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let depth = line.len() - text.len();
    let is_heading = (1..=6).contains(&depth) && text.starts_with(' ');
    is_heading.then(|| text.trim())
}

/// Returns a heading's anchor, as mdBook and GitHub generate it: in lower case, with hyphens for
/// spaces, without punctuation.
pub fn slug(heading: &str) -> String {
    let keep = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    };
    let lower = heading.trim().to_lowercase();
    lower.chars().filter_map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::{headings, slug};

    #[test]
    fn a_heading_is_one_outside_of_code() {
        let text = "# A\n\n```console\n# not one\n```\n#nor this\n## What `Ok(0)` means\n";
        assert_eq!(
            headings(text).collect::<Vec<_>>(),
            ["A", "What `Ok(0)` means"]
        );
    }

    #[test]
    fn an_anchor_has_no_punctuation_and_no_capitals_in_any_alphabet() {
        assert_eq!(slug("What `Ok(0)` means"), "what-ok0-means");
        assert_eq!(slug(" A client's end. "), "a-clients-end");
        assert_eq!(slug("ÉTAT d'un côté, A_b-c"), "état-dun-côté-a_b-c");
    }
}
