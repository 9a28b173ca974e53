//! The course as the folders define it, read in one place for `cargo learn`, `cargo verify` and
//! `cargo book`.
//!
//! The folders are the only list. `exercises/04_where_does_a_message_end/01_whole_frames` is
//! exercise 04-01, its package is `ex-04-01`, its solution is under the same path in `solutions/`
//! and its chapter's page is `docs/src/04-where-does-a-message-end.md`. Nothing is written here;
//! `learn` records which exercises are solved.
//!
//! Besides the course itself: how checks are run ([`process`]), what they printed ([`libtest`]),
//! and how that is shown ([`screen`]).
#![warn(missing_docs)]

pub mod cargo;
pub mod diff;
mod headings;
mod hints;
pub mod libtest;
pub mod messages;
pub mod process;
pub mod screen;
mod waits;

pub use headings::{headings, slug};
pub use hints::hints;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The workspace and its chapters, in the order of their numbers.
pub struct Course {
    /// The workspace's folder, without symlinks on the way.
    pub root: PathBuf,
    /// The chapters that have exercises.
    pub chapters: Vec<Chapter>,
}

/// A chapter that has exercises.
pub struct Chapter {
    /// The chapter's number: 4 for `04_where_does_a_message_end`.
    pub number: u32,
    /// The heading of the chapter's page, or the folder's name in words if there is no page.
    pub title: String,
    /// The page's path from the workspace's root: `docs/src/04-where-does-a-message-end.md`.
    pub page: String,
    /// The exercises, in the order of their numbers. There is at least one.
    pub exercises: Vec<Exercise>,
}

/// An exercise: where it is, and its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exercise {
    /// The chapter's number.
    pub chapter: u32,
    /// The exercise's own number, counted from 1 in each chapter.
    pub number: u32,
    /// The name of the chapter's folder without its number, such as `where_does_a_message_end`.
    pub chapter_name: String,
    /// The name of the exercise's folder without its number, such as `whole_frames`.
    pub name: String,
    /// The exercise's path below `exercises/` and `solutions/`, with `/` on every system.
    pub folder: String,
}

impl Course {
    /// Finds the workspace: the nearest folder above the current one that contains exercises, or
    /// else the one that this package was started from (`cargo run` names it).
    ///
    /// # Errors
    ///
    /// Fails if neither folder contains exercises, or if they can't be read.
    pub fn find() -> Result<Self> {
        let here = std::env::current_dir().context("the current folder cannot be read")?;
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let found = [Some(here), manifest]
            .into_iter()
            .flatten()
            .find_map(|start| {
                let mut above = start.ancestors();
                above.find(|folder| is_root(folder)).map(Path::to_path_buf)
            });
        match found {
            Some(root) => Self::read(&root),
            None => bail!("no exercises here: run this inside the folder you cloned"),
        }
    }

    /// Reads the folders of the workspace in `root`.
    ///
    /// # Errors
    ///
    /// Fails if a folder exists but can't be read.
    pub fn read(root: &Path) -> Result<Self> {
        // Events about files name real paths, without the symlinks on the way (/tmp on macOS).
        let root = root
            .canonicalize()
            .with_context(|| format!("cannot open {}", root.display()))?;
        let mut chapters = Vec::new();
        for (number, name, folder) in numbered_folders(&root.join("exercises"))? {
            let exercises: Vec<_> = numbered_folders(&root.join("exercises").join(&folder))?
                .into_iter()
                .filter(|(.., own)| {
                    root.join("exercises")
                        .join(&folder)
                        .join(own)
                        .join("Cargo.toml")
                        .is_file()
                })
                .map(|(own_number, own_name, own_folder)| Exercise {
                    chapter: number,
                    number: own_number,
                    chapter_name: name.clone(),
                    name: own_name,
                    folder: format!("{folder}/{own_folder}"),
                })
                .collect();
            if !exercises.is_empty() {
                let page = format!("docs/src/{number:02}-{}.md", name.replace('_', "-"));
                let title = title(&root.join(&page), &name);
                chapters.push(Chapter {
                    number,
                    title,
                    page,
                    exercises,
                });
            }
        }
        Ok(Self { root, chapters })
    }

    /// Returns every exercise, in the order of the course.
    pub fn exercises(&self) -> impl Iterator<Item = &Exercise> {
        self.chapters.iter().flat_map(|chapter| &chapter.exercises)
    }

    /// Returns the chapter that an exercise of this course belongs to.
    ///
    /// # Panics
    ///
    /// Panics if the exercise belongs to another course.
    pub fn chapter_of(&self, exercise: &Exercise) -> &Chapter {
        let mut chapters = self.chapters.iter();
        chapters
            .find(|c| c.number == exercise.chapter)
            .expect("exercises come from chapters")
    }

    /// Returns the exercise that a person means by `04-01`, `4-1`, `ex-04-01` or `whole_frames`.
    ///
    /// # Errors
    ///
    /// Fails if there is no exercise with that name.
    pub fn named(&self, text: &str) -> Result<&Exercise> {
        let id = text.strip_prefix("ex-").unwrap_or(text);
        let numbers = id.split_once('-').and_then(|(chapter, number)| {
            Some((chapter.parse::<u32>().ok()?, number.parse::<u32>().ok()?))
        });
        let found = match numbers {
            Some(numbers) => self.exercises().find(|e| (e.chapter, e.number) == numbers),
            None => self.exercises().find(|e| e.name == text),
        };
        found.with_context(|| {
            format!("there is no exercise {text}: `cargo learn list` lists them all")
        })
    }

    /// Returns the exercise whose folder contains `path`.
    pub fn holding(&self, path: &Path) -> Option<&Exercise> {
        self.exercises()
            .find(|exercise| path.starts_with(exercise.path(&self.root)))
    }
}

impl Exercise {
    /// Returns the exercise's name for people: `04-01`.
    pub fn id(&self) -> String {
        format!("{:02}-{:02}", self.chapter, self.number)
    }

    /// Returns the exercise's package name: `ex-04-01`.
    pub fn package(&self) -> String {
        format!("ex-{}", self.id())
    }

    /// Returns the solution's package name: `sol-04-01`.
    pub fn solution_package(&self) -> String {
        format!("sol-{}", self.id())
    }

    /// Returns the path of the learner's file, relative to the workspace's root.
    pub fn file(&self) -> String {
        format!("exercises/{}/src/main.rs", self.folder)
    }

    /// The exercise's folder.
    pub fn path(&self, root: &Path) -> PathBuf {
        root.join("exercises").join(&self.folder)
    }

    /// The learner's file.
    pub fn main_rs(&self, root: &Path) -> PathBuf {
        self.path(root).join("src/main.rs")
    }

    /// The checks, which the exercise and its solution share.
    pub fn check_rs(&self, root: &Path) -> PathBuf {
        self.path(root).join("tests/check.rs")
    }

    /// The README with the task and its hints.
    pub fn readme(&self, root: &Path) -> PathBuf {
        self.path(root).join("README.md")
    }

    /// The solution's folder.
    pub fn solution_path(&self, root: &Path) -> PathBuf {
        root.join("solutions").join(&self.folder)
    }

    /// The solution's program.
    pub fn solution_rs(&self, root: &Path) -> PathBuf {
        self.solution_path(root).join("src/main.rs")
    }

    /// The file that stores the stub for when the learner has changed their copy. It is a diff
    /// against the solution, like the wrong answers.
    pub fn stub_diff(&self, root: &Path) -> PathBuf {
        self.solution_path(root).join("stub.diff")
    }

    /// Returns the original text of the learner's file. This needs no git: a folder that was
    /// downloaded doesn't have it, and a clone may contain the learner's own commits.
    ///
    /// # Errors
    ///
    /// Fails if the solution or the diff can't be read, or if the solution has changed since the
    /// diff was made.
    pub fn stub(&self, root: &Path) -> Result<String> {
        let (diff, solution) = (self.stub_diff(root), self.solution_rs(root));
        let (base, text) = (read_text(&solution)?, read_text(&diff)?);
        diff::apply(&base, &text).with_context(|| {
            let solution = solution.strip_prefix(root).unwrap_or(&solution).display();
            format!(
                "the exercise's original state is stored as a diff against {solution}, which was \
                 changed: restore that file first"
            )
        })
    }

    /// Whether the learner has written anything yet. If there is no stub to compare with, the
    /// answer is yes, so that the learner's work is never treated as untouched.
    pub fn touched(&self, root: &Path) -> bool {
        let own = read_text(&self.main_rs(root));
        !matches!((own, self.stub(root)), (Ok(own), Ok(stub)) if own == stub)
    }
}

/// Reads a text file. Line ends of `\r\n`, which some checkouts have, are read as `\n`.
///
/// # Errors
///
/// Fails if the file can't be read or isn't text; the error names the file.
pub fn read_text(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file);
    let text = text.with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text.replace("\r\n", "\n"))
}

fn is_root(folder: &Path) -> bool {
    folder.join("Cargo.toml").is_file() && folder.join("exercises").is_dir()
}

/// Returns the folders named `NN_name`, ordered by number: number, name, and full name.
fn numbered_folders(parent: &Path) -> Result<Vec<(u32, String, String)>> {
    if !parent.is_dir() {
        return Ok(Vec::new());
    }
    let entries =
        fs::read_dir(parent).with_context(|| format!("cannot read {}", parent.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let folder = entry?.file_name().to_string_lossy().into_owned();
        if let Some((number, name)) = folder.split_once('_')
            && let Ok(number) = number.parse()
        {
            found.push((number, name.to_owned(), folder));
        }
    }
    found.sort();
    Ok(found)
}

fn title(page: &Path, name: &str) -> String {
    let text = fs::read_to_string(page).unwrap_or_default();
    match headings(&text).next() {
        Some(heading) => heading.replace('`', ""),
        None => sentence_case(&name.replace('_', " ")),
    }
}

fn sentence_case(words: &str) -> String {
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course() -> Course {
        let exercise = |chapter, number, name: &str| Exercise {
            chapter,
            number,
            chapter_name: "where_does_a_message_end".into(),
            name: name.into(),
            folder: format!("{chapter:02}_where_does_a_message_end/{number:02}_{name}"),
        };
        let chapter = Chapter {
            number: 4,
            title: "Where does a message end?".into(),
            page: "docs/src/04-where-does-a-message-end.md".into(),
            exercises: vec![
                exercise(4, 1, "whole_frames"),
                exercise(4, 2, "hostile_length"),
            ],
        };
        Course {
            root: PathBuf::from("/course"),
            chapters: vec![chapter],
        }
    }

    #[test]
    fn the_stub_is_made_of_the_solution_that_it_is_kept_against() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (root, course) = (folder.path(), course());
        let exercise = course.named("04-01").expect("it is there");
        let write = |file: PathBuf, text: &str| {
            fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
            fs::write(file, text).expect("it can be written");
        };
        let (solution, stub) = (
            "fn main() {\n    a();\n}\n",
            "fn main() {\n    todo!()\n}\n",
        );
        write(exercise.solution_rs(root), &solution.replace('\n', "\r\n"));
        write(exercise.stub_diff(root), &diff::make(solution, stub));
        write(exercise.main_rs(root), stub);
        assert_eq!(exercise.stub(root).expect("it fits"), stub);
        assert!(!exercise.touched(root));
        write(exercise.main_rs(root), solution);
        assert!(exercise.touched(root));

        write(exercise.solution_rs(root), "fn main() {}\n");
        let error = exercise
            .stub(root)
            .expect_err("it fits no more")
            .to_string();
        let expected = "the exercise's original state is stored as a diff against \
                        solutions/04_where_does_a_message_end/01_whole_frames/src/main.rs, which \
                        was changed: restore that file first";
        assert_eq!(error, expected);
        assert!(
            exercise.touched(root),
            "nothing of theirs is taken for untouched"
        );
    }

    #[test]
    fn an_exercise_goes_by_several_names() {
        for name in ["04-02", "4-2", "ex-04-02", "hostile_length"] {
            assert_eq!(course().named(name).expect(name).id(), "04-02", "{name}");
        }
        let unknown = course()
            .named("9-9")
            .expect_err("there is no such exercise")
            .to_string();
        assert_eq!(
            unknown,
            "there is no exercise 9-9: `cargo learn list` lists them all"
        );
    }

    #[test]
    fn a_saved_file_belongs_to_the_exercise_around_it() {
        let course = course();
        let file = course
            .root
            .join("exercises/04_where_does_a_message_end/01_whole_frames/src/x.rs");
        assert_eq!(
            course.holding(&file).map(Exercise::id).as_deref(),
            Some("04-01")
        );
        assert_eq!(course.holding(Path::new("/course/Cargo.toml")), None);
    }
}
