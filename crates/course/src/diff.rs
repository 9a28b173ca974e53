//! Unified diffs against a solution: what a mistake and a stub are kept as.
//!
//! They hold no file names and no times, so that one text has one diff.

use std::fmt;

use diffy::{DiffOptions, Patch};

/// Lines of the solution that are kept before and after what differs, for a person to find the
/// place by.
const CONTEXT: usize = 2;

/// Why a diff gives no program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It isn't a diff: what is wrong with it.
    NotADiff(String),
    /// The part that begins with this line of it (`@@ …`) isn't in the solution.
    NotThere(String),
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADiff(why) => write!(f, "it is not a unified diff: {why}"),
            Self::NotThere(place) => {
                write!(f, "the lines under `{place}` are not in the solution")
            }
        }
    }
}

impl std::error::Error for Misfit {}

/// The diff that makes `wanted` of `base`; each part names the function that it is in.
pub fn make(base: &str, wanted: &str) -> String {
    let mut options = DiffOptions::new();
    let patch = options.set_context_len(CONTEXT).create_patch(base, wanted);
    let starts = patch.hunks().iter().map(|hunk| hunk.old_range().start());
    let mut functions = starts.map(|start| function_above(base, start));
    // The two lines with the files' names say nothing here.
    let lines = patch.to_string();
    let lines = lines.lines().skip_while(|line| !line.starts_with("@@ "));
    let named = lines.map(|line| match line.starts_with("@@ ") {
        true => match functions.next().flatten() {
            Some(function) => format!("{line} {function}\n"),
            None => format!("{line}\n"),
        },
        false => format!("{line}\n"),
    });
    named.collect()
}

/// What begins last before a line, at the margin: `fn serve(stream: &TcpStream) -> io::Result<()>`.
fn function_above(base: &str, line: usize) -> Option<&str> {
    let above: Vec<&str> = base.lines().take(line.saturating_sub(1)).collect();
    let begins = |line: &&&str| line.starts_with(char::is_alphabetic) && line.ends_with(['{', '(']);
    let found = above.iter().rev().find(begins)?;
    Some(found.trim_end_matches(['{', '(', ' ']))
}

/// What `diff` makes of `base`.
///
/// # Errors
///
/// When it isn't a diff, or its lines are not in `base`.
pub fn apply(base: &str, diff: &str) -> Result<String, Misfit> {
    let mut text = base.to_owned();
    for part in parts(diff)? {
        text = apply_part(&text, part)?;
    }
    Ok(text)
}

/// The same, with each part that doesn't fit in its place, between marks, for a person to write
/// again. Nothing is lost of a text that isn't a diff, either.
pub fn apply_what_fits(base: &str, diff: &str) -> String {
    let Ok(parts) = parts(diff) else {
        return format!("{base}{MARK_BEGIN}\n{diff}{MARK_END}\n");
    };
    let mut text = base.to_owned();
    // From the end, so that no part is put inside another one that didn't fit.
    for part in parts.into_iter().rev() {
        text = apply_part(&text, part).unwrap_or_else(|_| mark(&text, part));
    }
    text
}

/// Whether a program still holds a part that didn't fit, these marks' or Git's.
pub fn is_marked(program: &str) -> bool {
    let is_mark = |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>>");
    program.lines().any(is_mark)
}

const MARK_BEGIN: &str = "<<<<<<< this part of the mistake no longer fits: write it here again";
const MARK_END: &str = ">>>>>>>";

/// Puts a part that doesn't fit before the line where it would have gone.
fn mark(text: &str, part: &str) -> String {
    let first = Patch::from_str(part).map_or(1, |patch| {
        patch
            .hunks()
            .first()
            .map_or(1, |hunk| hunk.old_range().start())
    });
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (before, after) = lines.split_at(first.saturating_sub(1).min(lines.len()));
    let (before, after) = (before.concat(), after.concat());
    format!("{before}{MARK_BEGIN}\n{part}{MARK_END}\n{after}")
}

fn apply_part(text: &str, part: &str) -> Result<String, Misfit> {
    let patch = Patch::from_str(part).map_err(|error| Misfit::NotADiff(error.to_string()))?;
    let place = part.lines().next().unwrap_or_default().to_owned();
    diffy::apply(text, &patch).map_err(|_| Misfit::NotThere(place))
}

/// Each part from its `@@ … @@` to the next.
fn parts(diff: &str) -> Result<Vec<&str>, Misfit> {
    if !diff.starts_with("@@ ") {
        let why = "it does not begin with `@@ `".to_owned();
        return Err(Misfit::NotADiff(why));
    }
    let starts = diff.match_indices("\n@@ ").map(|(at, _)| at + 1);
    let starts: Vec<usize> = [0].into_iter().chain(starts).collect();
    let ends = starts.iter().skip(1).copied().chain([diff.len()]);
    Ok(starts
        .iter()
        .zip(ends)
        .map(|(start, end)| &diff[*start..end])
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "a\nb\n\nc\nd\ne\nf\ng\nh\ni\nj\n";

    #[test]
    fn what_is_made_applies_and_has_no_names_or_times() {
        let wanted = BASE.replace("c\n", "C\n").replace("j\n", "");
        let diff = make(BASE, &wanted);
        assert_eq!(
            diff,
            "@@ -2,5 +2,5 @@\n b\n\n-c\n+C\n d\n e\n@@ -9,3 +9,2 @@\n h\n i\n-j\n"
        );
        assert_eq!(apply(BASE, &diff).as_deref(), Ok(&*wanted));
        assert_eq!(make(BASE, BASE), "");
        let blank = BASE.replace("c\n", "c \n");
        assert_eq!(apply(BASE, &make(BASE, &blank)).as_deref(), Ok(&*blank));
    }

    #[test]
    fn a_part_names_the_function_around_it() {
        let base = "use x;\n\nfn main() {\n    a();\n    b();\n    c();\n    d();\n}\n";
        let diff = make(base, &base.replace("d();", "e();"));
        assert!(
            diff.starts_with("@@ -5,4 +5,4 @@ fn main()\n     b();\n"),
            "{diff}"
        );
        assert!(apply(base, &diff).is_ok());
    }

    #[test]
    fn lines_that_moved_still_fit_and_make_another_diff() {
        let diff = make(BASE, &BASE.replace("c\n", "C\n"));
        let moved = format!("new\n{BASE}");
        let wanted = moved.replace("c\n", "C\n");
        assert_eq!(apply(&moved, &diff).as_deref(), Ok(&*wanted));
        assert_ne!(make(&moved, &wanted), diff);
    }

    #[test]
    fn lines_that_are_gone_are_named_and_marked() {
        let diff = make(BASE, &BASE.replace("c\n", "C\n").replace("j\n", "J\n"));
        let changed = BASE.replace("c\n", "see\n");
        let misfit = Misfit::NotThere("@@ -2,5 +2,5 @@".into());
        assert_eq!(apply(&changed, &diff), Err(misfit));
        let opened = apply_what_fits(&changed, &diff);
        assert!(is_marked(&opened) && !is_marked(BASE), "{opened}");
        let place =
            format!("a\n{MARK_BEGIN}\n@@ -2,5 +2,5 @@\n b\n\n-c\n+C\n d\n e\n{MARK_END}\nb\n");
        assert!(
            opened.starts_with(&place) && opened.ends_with("i\nJ\n"),
            "{opened}"
        );
    }

    #[test]
    fn parts_that_no_longer_fit_are_marked_one_by_one() {
        let base = BASE.replace('a', "z\na");
        let diff = make(&base, &base.replace("c\n", "C\n").replace("j\n", "J\n"));
        let opened = apply_what_fits("a\nb\n", &diff);
        let marks: Vec<&str> = opened.lines().filter(|line| is_marked(line)).collect();
        assert_eq!(
            marks,
            [MARK_BEGIN, MARK_END, MARK_BEGIN, MARK_END],
            "{opened}"
        );
    }

    #[test]
    fn what_is_not_a_diff_is_told() {
        let why = apply(BASE, "fn main() {}\n").map_err(|misfit| misfit.to_string());
        let expected = "it is not a unified diff: it does not begin with `@@ `";
        assert_eq!(why, Err(expected.into()));
        assert!(matches!(apply(BASE, "@@ 1 @@\n"), Err(Misfit::NotADiff(_))));
    }
}
