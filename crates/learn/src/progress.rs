//! What the learner has solved: one text file, `.learn-state`, at the workspace's root.
//!
//! A line is `04-01 where_does_a_message_end/whole_frames`. Names outlive numbers, so a line is
//! first looked up by its names, then by the exercise's own name, and by its number last: an
//! exercise that was added, moved or renamed by an update keeps what was reached. Lines that fit
//! nothing are kept as they are, for the exercise may come back. Losing the file costs one run of
//! `cargo learn`, which checks again what it finds written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use course::{Course, Exercise};

const FILE: &str = ".learn-state";
const HEADER: &str = "# What you have solved. `cargo learn` reads and writes this file.\n";

pub struct Progress {
    path: PathBuf,
    /// The lines of what is solved, as the exercises are called now.
    done: BTreeSet<String>,
    /// The lines that fit no exercise of today.
    unknown: Vec<String>,
}

impl Progress {
    /// Reads the state; a file that is missing or unreadable text means that nothing is solved.
    pub fn load(course: &Course) -> Self {
        let path = course.root.join(FILE);
        let text = fs::read(&path).unwrap_or_default();
        Self {
            path,
            ..Self::parse(course, &String::from_utf8_lossy(&text))
        }
    }

    fn parse(course: &Course, text: &str) -> Self {
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        let mut claimed: BTreeMap<usize, &Exercise> = BTreeMap::new();
        for rule in [by_both_names, by_own_name, by_number] {
            for (index, line) in lines.iter().enumerate() {
                if claimed.contains_key(&index) {
                    continue;
                }
                let free = |e: &&Exercise| !claimed.values().any(|taken| taken == e);
                let mut fitting = course.exercises().filter(|e| rule(e, line)).filter(free);
                if let (Some(exercise), None) = (fitting.next(), fitting.next()) {
                    claimed.insert(index, exercise);
                }
            }
        }
        let unknown = lines
            .iter()
            .enumerate()
            .filter(|(index, _)| !claimed.contains_key(index));
        Self {
            path: PathBuf::new(),
            unknown: unknown.map(|(_, line)| (*line).to_owned()).collect(),
            done: claimed.values().map(|exercise| line(exercise)).collect(),
        }
    }

    /// Solved, and not put back to its stub since.
    pub fn is_done(&self, course: &Course, exercise: &Exercise) -> bool {
        self.done.contains(&line(exercise)) && exercise.touched(&course.root)
    }

    pub fn count(&self, course: &Course) -> usize {
        course
            .exercises()
            .filter(|exercise| self.is_done(course, exercise))
            .count()
    }

    /// The first exercise that isn't solved.
    pub fn next<'c>(&self, course: &'c Course) -> Option<&'c Exercise> {
        course
            .exercises()
            .find(|exercise| !self.is_done(course, exercise))
    }

    /// Remembers the last verdict on an exercise.
    pub fn set(&mut self, exercise: &Exercise, done: bool) -> Result<()> {
        let changed = if done {
            self.done.insert(line(exercise))
        } else {
            self.done.remove(&line(exercise))
        };
        if changed { self.save() } else { Ok(()) }
    }

    fn save(&self) -> Result<()> {
        let mut text = HEADER.to_owned();
        for line in self.done.iter().chain(&self.unknown) {
            text.push_str(line);
            text.push('\n');
        }
        // Written beside and renamed, so that a reader never meets half a file.
        let beside = self
            .path
            .with_extension(format!("{}.new", std::process::id()));
        fs::write(&beside, text)
            .and_then(|()| fs::rename(&beside, &self.path))
            .with_context(|| format!("cannot remember progress in {}", self.path.display()))
    }
}

fn line(exercise: &Exercise) -> String {
    format!(
        "{} {}/{}",
        exercise.id(),
        exercise.chapter_name,
        exercise.name
    )
}

fn by_both_names(exercise: &Exercise, line: &str) -> bool {
    let names = line
        .split_whitespace()
        .nth(1)
        .and_then(|names| names.split_once('/'));
    names == Some((&exercise.chapter_name, &exercise.name))
}

fn by_own_name(exercise: &Exercise, line: &str) -> bool {
    line.rsplit(['/', ' ']).next() == Some(&exercise.name)
}

fn by_number(exercise: &Exercise, line: &str) -> bool {
    line.split_whitespace().next() == Some(&exercise.id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use course::Chapter;

    /// A course with one chapter that holds these exercises.
    fn course(names: &[&str]) -> Course {
        let exercises = names.iter().zip(1..).map(|(name, number)| Exercise {
            chapter: 4,
            number,
            chapter_name: "messages".into(),
            name: (*name).into(),
            folder: format!("04_messages/{number:02}_{name}"),
        });
        let exercises = exercises.collect();
        let chapter = Chapter {
            number: 4,
            title: String::new(),
            page: String::new(),
            exercises,
        };
        Course {
            root: PathBuf::from("/nowhere"),
            chapters: vec![chapter],
        }
    }

    #[track_caller]
    fn done(names: &[&str], state: &str, expected: &[&str]) {
        let course = course(names);
        let progress = Progress::parse(&course, state);
        let done = course.exercises().filter(|e| progress.is_done(&course, e));
        assert_eq!(done.map(|e| e.name.as_str()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_exercise_added_before_another_does_not_inherit_its_mark() {
        done(
            &["new", "frames", "length"],
            "04-01 messages/frames\n",
            &["frames"],
        );
    }

    #[test]
    fn a_renamed_exercise_keeps_its_mark() {
        done(
            &["frames", "huge_length"],
            "04-02 messages/length\n",
            &["huge_length"],
        );
    }

    #[test]
    fn a_renamed_and_moved_chapter_keeps_its_marks() {
        done(&["frames", "length"], "03-02 streams/length\n", &["length"]);
    }

    #[test]
    fn two_solved_and_swapped_stay_solved() {
        let state = "04-01 messages/length\n04-02 messages/frames\n";
        done(&["frames", "length", "text"], state, &["frames", "length"]);
    }

    #[test]
    fn nonsense_is_survived_and_kept() {
        let state = "# a comment\n\n\u{fffd} what\n99-01 later/gone\n04-01 messages/frames\n";
        done(&["frames"], state, &["frames"]);
        let progress = Progress::parse(&course(&["frames"]), state);
        assert_eq!(progress.unknown, ["\u{fffd} what", "99-01 later/gone"]);
    }
}
