//! Compares the verdicts that the chapters quote with those that the checks gave just now.
//!
//! A quoted verdict is a ```` ```text ```` block with a line `expected`. Its timeline must be one
//! that the stub or a wrong answer got in this run: each line of the block must be in that verdict,
//! but for what differs from run to run ([`lasting`]). `cargo book` compares the explanations.

use std::collections::HashSet;

use course::{Course, read_text};

use crate::judge::Fault;

/// The word that marks a drip in a timeline. How the bytes and the reads of a drip are interleaved
/// differs from run to run.
const DRIPPING: &str = "dripping";

/// Lines of a timeline, as they are written and as they last.
type Lines = Vec<(String, String)>;

/// How many programs are run again at most because none of them got a quoted verdict: in a crowd,
/// bytes may arrive in other pieces, and a program that ends may be noticed at another moment.
const TRIES: usize = 9;
/// They are taken in turn from this many whose verdicts are closest: the program that is quoted may
/// have been the one that was disturbed.
const CLOSEST: usize = 3;

/// A program that was run: the number of its exercise, and the program's number in that exercise.
pub type Program = (usize, usize);

/// A verdict that was given.
pub struct Verdict {
    program: Program,
    /// Which program it is about, and which check gave it.
    what: String,
    lines: HashSet<String>,
}

impl Verdict {
    pub fn new(program: Program, what: String, output: &str) -> Self {
        Self {
            program,
            what,
            lines: output.lines().filter_map(lasting).collect(),
        }
    }

    fn lacks<'q>(&self, quoted: &'q Lines) -> Vec<&'q str> {
        let lacking = quoted
            .iter()
            .filter(|(_, lasting)| !self.lines.contains(lasting));
        lacking.map(|(line, _)| line.as_str()).collect()
    }
}

/// Returns how many verdicts the chapters quote, and a fault for each that no program got; `None` if
/// they quote none. `again` runs a program once more.
pub fn prove(
    course: &Course,
    mut given: Vec<Verdict>,
    again: impl Fn(Program) -> Vec<Verdict>,
) -> Option<(usize, Vec<Fault>)> {
    let (mut count, mut faults) = (0, Vec::new());
    for chapter in &course.chapters {
        let text = read_text(&course.root.join(&chapter.page)).unwrap_or_default();
        for (line, quoted) in quotations(&text) {
            count += 1;
            for tries in 0..=TRIES {
                let lacking = |verdict: &&Verdict| verdict.lacks(&quoted).len();
                let Some(closest) = given.iter().min_by_key(lacking) else {
                    break;
                };
                let lacking = closest.lacks(&quoted);
                if lacking.is_empty() {
                    break;
                }
                if tries == TRIES {
                    faults.push(Fault {
                        what: format!("{}:{line}", chapter.page),
                        expected: "a verdict that the stub or a wrong answer gets today".to_owned(),
                        happened: format!(
                            "none has these lines; paste the closest verdict, that of {}",
                            closest.what
                        ),
                        story: lacking.join("\n"),
                    });
                    break;
                }
                let closest = closest_programs(&given, &quoted);
                given.extend(again(closest[tries % closest.len()]));
            }
        }
    }
    (count > 0).then_some((count, faults))
}

/// Returns the programs whose verdicts lack the fewest lines, the closest first.
fn closest_programs(given: &[Verdict], quoted: &Lines) -> Vec<Program> {
    let mut all: Vec<&Verdict> = given.iter().collect();
    all.sort_by_key(|verdict| verdict.lacks(quoted).len());
    let mut programs = Vec::new();
    for verdict in all {
        if programs.len() < CLOSEST && !programs.contains(&verdict.program) {
            programs.push(verdict.program);
        }
    }
    programs
}

/// Returns each verdict that a page quotes: the line of its fence, and its timeline as it is
/// written and as it lasts.
fn quotations(page: &str) -> Vec<(usize, Lines)> {
    let mut found = Vec::new();
    let mut block: Option<(usize, Option<Lines>)> = None;
    // Inside a block: whether a drip has begun, which lasts until what was expected.
    let mut is_dripping = false;
    for (number, line) in page.lines().enumerate() {
        let content = line.trim_start_matches(['>', ' ']);
        match (&mut block, content.strip_prefix("```")) {
            (None, None) => {}
            (None, Some(info)) => {
                block = Some((number + 1, (info == "text").then(Lines::new)));
                is_dripping = false;
            }
            (Some((_, lines)), None) => {
                is_dripping |= content.contains(DRIPPING);
                is_dripping &= !content.starts_with("expected ");
                if let (Some(lines), Some(lasting)) = (lines, lasting(content))
                    && !is_dripping
                {
                    lines.push((content.to_owned(), lasting));
                }
            }
            (Some((number, lines)), Some(_)) => {
                let lines = lines.take().unwrap_or_default();
                if lines.iter().any(|(_, line)| line.starts_with("expected ")) {
                    found.push((*number, lines));
                }
                block = None;
            }
        }
    }
    found
}

/// Returns what a line of a timeline says in every run: without times, numbers of four or more
/// digits (ports), folders of paths, and data that is cut off (`…`) or dripping. A line that says
/// what a program did instead of what was expected keeps no numbers at all. Returns `None` for a
/// line of the explanation.
fn lasting(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut digits = match words.as_slice() {
        [number, "ms" | "s", ..] if number.parse::<f64>().is_ok() => 4,
        ["expected" | "program" | "program:", ..] => 4,
        ["got", ..] => 1,
        [first, ..] if first.starts_with('^') => 1,
        _ => return None,
    };
    if line.contains('/') {
        digits = 1; // How long the path is.
    }
    let words: Vec<String> = words.into_iter().map(without_folder).collect();
    let whole = words.join(" ");
    let kept = if whole.contains('…') || whole.contains(DRIPPING) {
        let mut parts = whole.split_inclusive(['>', '<']);
        parts.next().unwrap_or_default()
    } else {
        whole.trim_start_matches('^')
    };
    Some(without_numbers(kept, digits))
}

/// Returns a word without the folders of a path that it names.
fn without_folder(word: &str) -> String {
    match (word.find('/'), word.rfind('/')) {
        (Some(first), Some(last)) => word[..first].to_owned() + &word[last..],
        _ => word.to_owned(),
    }
}

/// Replaces times, and numbers that have so many digits or more.
fn without_numbers(text: &str, digits: usize) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let inside = |letter: char| letter.is_ascii_digit() || letter == '.' || letter == ',';
        let end = from.find(|letter| !inside(letter)).unwrap_or(from.len());
        let number = from[..end].trim_end_matches(['.', ',']);
        let after = &from[number.len()..];
        let is_time = ["ms", "s", "µs", "ns"].iter().any(|unit| {
            let next = after.trim_start().strip_prefix(unit);
            next.is_some_and(|next| !next.starts_with(char::is_alphanumeric))
        });
        let is_long = number.chars().filter(char::is_ascii_digit).count() >= digits;
        kept.push_str(before);
        kept.push_str(if is_time || is_long { "N" } else { number });
        rest = after;
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::{Verdict, closest_programs, lasting, quotations};

    #[test]
    fn what_differs_from_run_to_run_is_left_out() {
        let same = [
            (
                "    2.8 ms  peer  connected to 127.0.0.1:34127",
                "1234.0 ms  peer  connected to 127.0.0.1:4567",
            ),
            (
                "  program: \"listening on unix:/tmp/peer-1-0/socket\"",
                "program: \"listening on unix:/var/tmp/peer-42-7/socket\"",
            ),
            (
                "           got        4205568 of them, after 1.5s",
                "got  21 of them, after 10s",
            ),
            (
                "  75.0 ms  peer <- \"line \" …  98,304 bytes",
                "  80.0 ms  peer <- \"line    \" …  65,536 bytes",
            ),
        ];
        for (one, other) in same {
            assert_eq!(lasting(one), lasting(other), "{one}");
        }
        let (one, other) = (
            "2.8 ms  peer -> a  5 of 9 bytes",
            "2.8 ms  peer -> a  5 of 8 bytes",
        );
        assert_ne!(lasting(one), lasting(other));
        assert_eq!(
            lasting(" You closed the connection without replying."),
            None
        );
    }

    #[test]
    fn the_closest_programs_are_run_again_each_once_in_a_round() {
        let verdict = |program, output| Verdict::new((0, program), String::new(), output);
        let given = [
            verdict(1, "expected x"),
            verdict(2, "expected x\ngot y"),
            verdict(2, "expected x"),
            verdict(3, "expected z"),
            verdict(4, "expected z"),
        ];
        let (_, quoted) = &quotations("```text\nexpected x\ngot y\n```\n")[0];
        let programs = closest_programs(&given, quoted);
        assert_eq!(programs, [(0, 2), (0, 1), (0, 3)]);
    }

    #[test]
    fn a_quotation_is_a_block_of_text_that_says_what_was_expected() {
        let page = "# Page\n```text\n 1.0 ms  peer <- end\n  expected   \"a\"\n Explained.\n```\n\
                    ```text\n 1.0 ms  no verdict\n```\n> ```console\n> expected   x\n> ```\n";
        let found = quotations(page);
        assert_eq!(found.len(), 1);
        let (line, lines) = &found[0];
        let lines: Vec<&str> = lines.iter().map(|(_, lasting)| lasting.as_str()).collect();
        assert_eq!(
            (*line, lines),
            (2, vec!["N ms peer <- end", "expected \"a\""])
        );
    }
}
