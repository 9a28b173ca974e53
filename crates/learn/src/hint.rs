//! Shows the hints of an exercise's README, one at a time.
//!
//! A hint is what follows a heading (or a folded `<summary>`) that has the word "hint" in it:
//! `### Hint 1`, up to the next heading. A heading "Hints" above them is none itself.

use std::fs;
use std::io::Write as _;

use anyhow::{Context, Result, bail};

use crate::course::{Course, Exercise};
use crate::screen::Screen;

/// `cargo learn hint`: hint `number`, from 1, and how to see the one after it.
pub fn hint(
    screen: &mut Screen,
    course: &Course,
    exercise: &Exercise,
    number: usize,
) -> Result<()> {
    let file = format!("exercises/{}/README.md", exercise.folder);
    let text = fs::read_to_string(course.root.join(&file));
    let hints = hints(&text.with_context(|| format!("cannot read {file}"))?);
    let Some(hint) = number.checked_sub(1).and_then(|index| hints.get(index)) else {
        bail!(
            "exercise {} has hints 1 to {}, not {number}",
            exercise.id(),
            hints.len()
        );
    };
    let title = format!(
        "{} {}, hint {number} of {}",
        exercise.id(),
        exercise.name,
        hints.len()
    );
    writeln!(screen, "{}\n\n{hint}\n", screen.paint.bold(&title))?;
    let next = if number < hints.len() {
        format!(
            "more help: cargo learn hint {} {}",
            exercise.id(),
            number + 1
        )
    } else {
        format!(
            "no more hints; our solution: cargo learn solution {}",
            exercise.id()
        )
    };
    writeln!(screen, "{}", screen.paint.dim(&next))?;
    Ok(())
}

/// The hints of a README, in its order.
pub fn hints(readme: &str) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    let (mut inside, mut fenced) = (false, false);
    for line in readme.lines() {
        fenced ^= line.trim_start().starts_with("```");
        match heading(line).filter(|_| !fenced) {
            Some(heading) => {
                inside = is_hint(heading);
                if inside {
                    hints.push(String::new());
                }
            }
            None if line.trim() == "</details>" => inside = false,
            None if inside && line.trim() != "<details>" => {
                let hint = hints.last_mut().expect("inside a hint, there is one");
                hint.push_str(line);
                hint.push('\n');
            }
            None => {}
        }
    }
    hints.iter().map(|hint| hint.trim().to_owned()).collect()
}

fn heading(line: &str) -> Option<&str> {
    let line = line.trim();
    let folded = line
        .strip_prefix("<details>")
        .unwrap_or(line)
        .strip_prefix("<summary>");
    folded.or_else(|| Some(line.strip_prefix('#')?.trim_start_matches('#')))
}

fn is_hint(heading: &str) -> bool {
    let heading = heading.to_lowercase();
    heading.contains("hint") && heading.trim() != "hints"
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
