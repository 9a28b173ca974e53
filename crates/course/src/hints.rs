//! The hints of an exercise's README.
//!
//! A hint follows a heading or a folded `<summary>` that begins with the word "hint" and has more
//! text: `## Hint 1`, up to the next heading, or `<summary>Hint 1</summary>`, up to `</details>`. A
//! heading "Hints" above them isn't a hint.

use crate::headings::heading;

/// Returns the hints of a README, in its order.
pub fn hints(readme: &str) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    let (mut inside, mut fenced) = (false, false);
    for line in readme.lines() {
        fenced ^= line.trim_start().starts_with("```");
        match title(line).filter(|_| !fenced) {
            Some(title) => {
                inside = is_hint(title);
                if inside {
                    hints.push(String::new());
                }
            }
            None if !fenced && line.trim() == "</details>" => inside = false,
            None if inside && (fenced || line.trim() != "<details>") => {
                let hint = hints.last_mut().expect("inside a hint, there is one");
                hint.push_str(line);
                hint.push('\n');
            }
            None => {}
        }
    }
    hints.iter().map(|hint| hint.trim().to_owned()).collect()
}

/// Returns the title that a line sets: the text of a heading or of a summary.
fn title(line: &str) -> Option<&str> {
    let summary = || {
        let line = line.trim();
        let line = line.strip_prefix("<details>").unwrap_or(line);
        line.strip_prefix("<summary>")?.strip_suffix("</summary>")
    };
    heading(line).or_else(summary)
}

fn is_hint(title: &str) -> bool {
    let title = title.trim().to_lowercase();
    title
        .strip_prefix("hint")
        .is_some_and(|rest| !rest.starts_with('s'))
}

#[cfg(test)]
mod tests {
    use super::hints;

    #[test]
    fn a_hint_goes_from_its_heading_to_the_next() {
        let readme = "# Whole frames\n\nDo it.\n\n## Hints\n\n### Hint 1\n\nRead.\n\n\
                      ### Hint 2\n\n```console\n# not a heading\n```\n\n## See also\n\nMore.\n";
        assert_eq!(hints(readme), ["Read.", "```console\n# not a heading\n```"]);
    }

    #[test]
    fn folded_hints_are_unfolded() {
        let readme = "<details><summary>Hint 1</summary>\n\nRead.\n\n</details>\n\nText.\n\n\
                      <details>\n<summary>Hint 2</summary>\n\nRead on.\n</details>\n";
        assert_eq!(hints(readme), ["Read.", "Read on."]);
    }
}
