//! Unified diffs against a solution, in which mistakes and stubs are stored.
//!
//! They contain no file names and no times, so that the same two texts always have the same diff.

mod part;

use std::fmt;

use diffy::{DiffOptions, Patch};

use part::Part;

/// Why a diff can't be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It isn't a diff; the text says what is wrong with it.
    NotADiff(String),
    /// The part of the diff that begins with this line (`@@ …`) doesn't occur in the solution.
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

/// Returns the diff that turns `base` into `wanted`. Each part names the function that it is in.
///
/// A part has only as many context lines as it needs to be found in `base`: none if the removed
/// lines occur only once, and at least one if lines are only added.
pub fn make(base: &str, wanted: &str) -> String {
    let lines: Vec<&str> = base.split_inclusive('\n').collect();
    let mut options = DiffOptions::new();
    let patch = options.set_context_len(0).create_patch(base, wanted);
    let mut parts: Vec<Part<'_>> = Vec::new();
    let mut hunks = patch.hunks().iter().map(Part::of).peekable();
    while let Some(part) = hunks.next() {
        parts.push(part);
        join_near(&mut parts, &lines);
        let last = parts.pop().expect("it was pushed");
        let free = parts.last().map_or(0, Part::end)..hunks.peek().map_or(lines.len(), Part::start);
        parts.push(last.with_place(&lines, free));
        join_near(&mut parts, &lines);
    }
    let (mut diff, mut grown) = (String::new(), 0);
    for part in &parts {
        diff += &part.text(base, grown);
        grown += part.growth();
    }
    diff
}

/// Joins the last two parts into one if there is almost nothing between them.
fn join_near<'t>(parts: &mut Vec<Part<'t>>, base: &[&'t str]) {
    if let Some(part) = parts.pop() {
        match parts.last_mut() {
            Some(last) if last.is_near(&part) => last.append(part, base),
            _ => parts.push(part),
        }
    }
}

/// Applies `diff` to `base`.
///
/// # Errors
///
/// Fails if `diff` isn't a diff, or if its lines aren't in `base`.
pub fn apply(base: &str, diff: &str) -> Result<String, Misfit> {
    let mut text = base.to_owned();
    for part in parts(diff)? {
        text = apply_part(&text, part)?;
    }
    Ok(text)
}

/// Like [`apply`], but a part that doesn't fit is kept where it belongs, between marks, for a
/// person to rewrite. A text that isn't a diff is kept completely.
pub fn apply_what_fits(base: &str, diff: &str) -> String {
    let Ok(parts) = parts(diff) else {
        return format!("{base}{MARK_BEGIN}\n{diff}{MARK_END}\n");
    };
    let mut text = base.to_owned();
    // From the end, so that no part is put inside another part that didn't fit.
    for part in parts.into_iter().rev() {
        text = apply_part(&text, part).unwrap_or_else(|_| mark(&text, part));
    }
    text
}

/// Whether a program still contains a part that didn't fit, between these marks or Git's.
pub fn is_marked(program: &str) -> bool {
    let is_mark = |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>>");
    program.lines().any(is_mark)
}

const MARK_BEGIN: &str = "<<<<<<< this part of the mistake no longer fits: write it here again";
const MARK_END: &str = ">>>>>>>";

/// Inserts a part that doesn't fit before the line where it belongs, and before later parts that
/// didn't fit, however short the text has become.
fn mark(text: &str, part: &str) -> String {
    let first = Patch::from_str(part).map_or(1, |patch| {
        patch
            .hunks()
            .first()
            .map_or(1, |hunk| hunk.old_range().start())
    });
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let marked = lines.iter().position(|line| line.starts_with(MARK_BEGIN));
    let end = marked.unwrap_or(lines.len());
    let (before, after) = lines.split_at(first.saturating_sub(1).min(end));
    let (before, after) = (before.concat(), after.concat());
    format!("{before}{MARK_BEGIN}\n{part}{MARK_END}\n{after}")
}

fn apply_part(text: &str, part: &str) -> Result<String, Misfit> {
    let patch = Patch::from_str(part).map_err(|error| Misfit::NotADiff(error.to_string()))?;
    let place = part.lines().next().unwrap_or_default().to_owned();
    diffy::apply(text, &patch).map_err(|_| Misfit::NotThere(place))
}

/// Splits a diff into its parts, each of which begins with `@@ … @@`.
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
        assert_eq!(diff, "@@ -4 +4 @@\n-c\n+C\n@@ -11 +10,0 @@\n-j\n");
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
            diff.starts_with("@@ -7 +7 @@ fn main()\n-    d();\n+"),
            "{diff}"
        );
        assert!(apply(base, &diff).is_ok());
    }

    #[test]
    fn a_place_that_is_not_the_only_one_keeps_lines_around_it() {
        let base = "a {\n  x\n}\nb {\n  x\n}\n";
        let second = "a {\n  x\n}\nb {\n  y\n}\n";
        let diff = make(base, second);
        assert_eq!(diff, "@@ -4,2 +4,2 @@ a\n b {\n-  x\n+  y\n");
        assert_eq!(apply(base, &diff).as_deref(), Ok(second));
        let more = format!("new\n{base}");
        let wanted = format!("new\n{second}");
        assert_eq!(apply(&more, &diff).as_deref(), Ok(&*wanted));
        // Lines that are only added have a neighbor.
        let diff = make(BASE, &BASE.replace("e\n", "e\nE\n"));
        assert_eq!(diff, "@@ -6 +6,2 @@\n e\n+E\n");
        // Parts with a line between them are one; each is looked for where it is.
        let diff = make(BASE, &BASE.replace("c\nd\ne\n", "C\nd\n"));
        assert_eq!(diff, "@@ -4,3 +4,2 @@\n-c\n+C\n d\n-e\n");
        let diff = make(BASE, &BASE.replace("b\n\n", "b\n\n\n").replace("j\n", "j"));
        let end = "-j\n+j\n\\ No newline at end of file\n";
        assert_eq!(diff, format!("@@ -3 +3,2 @@\n\n+\n@@ -11 +12 @@\n{end}"));
        // However little there is.
        let same = "x\nx\n";
        let diff = make(same, "x\nx\nx\n");
        assert_eq!(apply(same, &diff).as_deref(), Ok("x\nx\nx\n"), "{diff}");
        assert_eq!(apply("", &make("", "a\n")).as_deref(), Ok("a\n"));
    }

    #[test]
    fn any_two_texts_have_a_diff_however_much_they_repeat() {
        let text = |bits: u32| -> String {
            let lines = (0..bits.ilog2()).map(|at| if bits >> at & 1 == 0 { "a\n" } else { "b\n" });
            lines.collect()
        };
        for base in (1..64).map(text) {
            for wanted in (1..64).map(text) {
                let diff = make(&base, &wanted);
                let made = if diff.is_empty() {
                    Ok(base.clone())
                } else {
                    apply(&base, &diff)
                };
                assert_eq!(made.as_deref(), Ok(&*wanted), "{base:?}\n{diff}");
            }
        }
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
        let misfit = Misfit::NotThere("@@ -4 +4 @@".into());
        assert_eq!(apply(&changed, &diff), Err(misfit));
        let opened = apply_what_fits(&changed, &diff);
        assert!(is_marked(&opened) && !is_marked(BASE), "{opened}");
        let place = format!("a\nb\n\n{MARK_BEGIN}\n@@ -4 +4 @@\n-c\n+C\n{MARK_END}\nsee\n");
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
