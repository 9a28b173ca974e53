//! What the learner has solved: one text file, `.learn-state`, at the workspace's root.
//!
//! A line is `04-01 where_does_a_message_end/whole_frames`. Names are more durable than numbers, so
//! an exercise is looked up by both names first, then by its own name, and by its number last: if
//! an update adds, moves or renames exercises, they keep their state. Lines that match no exercise
//! are kept, because the exercise may return. The lines are in the order of solving, so the last
//! one tells where to continue. If the file is lost, one run of `cargo learn` checks again the
//! exercises that the learner has written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::file;
use course::screen::Screen;
use course::{Course, Exercise};

const FILE: &str = ".learn-state";
const HEADER: &str =
    "# Solved exercises, most recent last. `cargo learn` reads and writes this file.\n";

#[derive(Default)]
pub struct Progress {
    path: PathBuf,
    /// The lines of the solved exercises, with their current names, the most recent one last.
    done: Vec<String>,
    /// The lines that match no exercise of the course.
    unknown: Vec<String>,
    /// Why the file can't be read. It is then not written either, because that would lose its
    /// content.
    unreadable: Option<io::Error>,
    /// Whether the file has fewer entries than are known here, and must be written.
    unsaved: bool,
}

impl Progress {
    /// Reads the state. If the file is missing or empty, nothing is solved.
    pub fn load(course: &Course) -> Self {
        let path = course.root.join(FILE);
        let (text, unreadable) = match fs::read(&path) {
            Ok(text) => (text, None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), None),
            Err(error) => (Vec::new(), Some(error)),
        };
        Self {
            path,
            unreadable,
            ..Self::parse(course, &String::from_utf8_lossy(&text))
        }
    }

    /// Shows a warning if the file can't be read.
    pub fn warn(&self, screen: &mut Screen) -> io::Result<()> {
        match &self.unreadable {
            Some(error) => writeln!(
                screen,
                "Cannot read {}, so nothing counts as solved: {error}\n",
                self.path.display()
            ),
            None => Ok(()),
        }
    }

    /// Reads what another `cargo learn` has written, unless that has fewer entries than are known
    /// here.
    pub fn refresh(&mut self, course: &Course) {
        if !self.unsaved {
            *self = Self::load(course);
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
            unknown: unknown.map(|(_, line)| (*line).to_owned()).collect(),
            done: claimed.values().map(|exercise| line(exercise)).collect(),
            ..Self::default()
        }
    }

    /// Whether the exercise is solved and has not been reset to its stub since.
    pub fn is_done(&self, course: &Course, exercise: &Exercise) -> bool {
        self.done.contains(&line(exercise)) && exercise.touched(&course.root)
    }

    pub fn count(&self, course: &Course) -> usize {
        course
            .exercises()
            .filter(|exercise| self.is_done(course, exercise))
            .count()
    }

    /// Returns the next exercise: the first unsolved one after the one that was solved last.
    pub fn next<'c>(&self, course: &'c Course) -> Option<&'c Exercise> {
        let last = self.done.last();
        let last = last.and_then(|last| course.exercises().find(|e| line(e) == *last));
        match last {
            Some(last) => self.after(course, last),
            None => course.exercises().find(|e| !self.is_done(course, e)),
        }
    }

    /// Returns the first unsolved exercise after this one. After the last exercise, the search
    /// starts over with the first.
    pub fn after<'c>(&self, course: &'c Course, exercise: &Exercise) -> Option<&'c Exercise> {
        let place = course.exercises().position(|e| e == exercise);
        let before = place.map_or(0, |place| place + 1);
        let round = course
            .exercises()
            .skip(before)
            .chain(course.exercises().take(before));
        round.into_iter().find(|e| !self.is_done(course, e))
    }

    /// Records the last verdict on an exercise. If the file can't be written, it is kept in memory.
    pub fn set(&mut self, course: &Course, exercise: &Exercise, done: bool) -> Result<()> {
        self.refresh(course);
        let own = line(exercise);
        let before = self.done.clone();
        self.done.retain(|line| *line != own);
        if done {
            self.done.push(own);
        }
        if self.done == before && !self.unsaved {
            return Ok(());
        }
        let saved = self.save();
        self.unsaved = saved.is_err();
        saved
    }

    fn save(&self) -> Result<()> {
        if let Some(error) = &self.unreadable {
            bail!("cannot read {}: {error}", self.path.display());
        }
        let mut text = HEADER.to_owned();
        for line in self.unknown.iter().chain(&self.done) {
            text.push_str(line);
            text.push('\n');
        }
        file::replace(&self.path, text.as_bytes())
            .with_context(|| format!("cannot write {}", self.path.display()))
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

    /// Returns a course with one chapter that has these exercises.
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
    fn what_comes_next_is_the_next_unsolved_after_the_one_solved_last() {
        let course = course(&["frames", "length", "text", "end"]);
        let next = |state: &str| {
            let progress = Progress::parse(&course, state);
            progress.next(&course).map(Exercise::id)
        };
        assert_eq!(next("").as_deref(), Some("04-01"));
        assert_eq!(next("04-02 messages/length\n").as_deref(), Some("04-03"));
        let later = "04-03 messages/text\n04-02 messages/length\n";
        assert_eq!(next(later).as_deref(), Some("04-04"));
        assert_eq!(
            next("04-04 messages/end\n").as_deref(),
            Some("04-01"),
            "round"
        );
        let all = "04-01 messages/frames\n04-02 messages/length\n04-04 messages/end\n04-03 messages/text\n";
        assert_eq!(next(all), None);
    }

    #[test]
    fn nonsense_is_survived_and_kept() {
        let state = "# a comment\n\n\u{fffd} what\n99-01 later/gone\n04-01 messages/frames\n";
        done(&["frames"], state, &["frames"]);
        let progress = Progress::parse(&course(&["frames"]), state);
        assert_eq!(progress.unknown, ["\u{fffd} what", "99-01 later/gone"]);
    }
}
