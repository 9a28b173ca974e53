//! The learner's progress, chapter by chapter, and what comes next.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Result;

use crate::check::{self, Limits};
use crate::progress::Progress;
use course::process;
use course::screen::Screen;
use course::{Course, Exercise};

/// `cargo learn`: shows the chapters, then checks the next exercise. Returns whether everything is
/// fine.
///
/// Some exercises may be solved but not recorded, because the learner used only `cargo test -p`, or
/// the state was lost. So exercises are checked one after another, up to the first that isn't
/// solved or has not been written.
pub fn stand(screen: &mut Screen, course: &Course, time: Duration) -> Result<bool> {
    let mut progress = Progress::load(course);
    progress.warn(screen)?;
    if progress.count(course) == 0 && !course.exercises().any(|e| e.touched(&course.root)) {
        welcome(screen, course)?;
    } else {
        chapters(screen, course, &progress)?;
    }
    let mut first = true;
    while let Some(next) = progress.next(course) {
        if !first && !next.touched(&course.root) {
            return Ok(true);
        }
        first = false;
        if !check_one(screen, course, &mut progress, next, time)? {
            return Ok(false);
        }
    }
    if first {
        all_solved(screen, course)?;
    }
    Ok(true)
}

/// Checks one exercise under its heading. If it is solved, prints what comes next. The check can't
/// be stopped by a key.
pub fn check_one(
    screen: &mut Screen,
    course: &Course,
    progress: &mut Progress,
    exercise: &Exercise,
    time: Duration,
) -> Result<bool> {
    heading(screen, course, exercise)?;
    let mut limits = Limits {
        time,
        pause: &mut process::undisturbed,
    };
    let verdict = check::check(screen, course, progress, exercise, &mut limits)?;
    if verdict.passed() {
        what_is_next(screen, course, progress, exercise)?;
    }
    Ok(verdict.passed())
}

pub fn heading(screen: &mut Screen, course: &Course, exercise: &Exercise) -> Result<()> {
    let title = &course.chapter_of(exercise).title;
    let name = screen
        .paint
        .bold(&format!("{} {}", exercise.id(), exercise.name));
    let chapter = screen
        .paint
        .dim(&format!("chapter {}, {title}", exercise.chapter));
    writeln!(screen, "{name}  {chapter}")?;
    Ok(())
}

/// Prints what to do after an exercise that was just solved: look at the solution, or go to the
/// next exercise.
pub fn what_is_next(
    screen: &mut Screen,
    course: &Course,
    progress: &Progress,
    solved: &Exercise,
) -> Result<()> {
    let paint = screen.paint;
    let compare = format!("cargo learn solution {}", solved.id());
    writeln!(
        screen,
        "  {} {}",
        paint.dim("compare with ours  "),
        paint.name(&compare)
    )?;
    let Some(next) = progress.after(course, solved) else {
        return all_solved(screen, course);
    };
    let chapter = course.chapter_of(next);
    if next.chapter != solved.chapter {
        writeln!(
            screen,
            "  {} {}",
            paint.dim("next chapter       "),
            chapter.title
        )?;
        writeln!(
            screen,
            "  {} {}",
            paint.dim("read               "),
            paint.name(&chapter.page)
        )?;
    }
    let count = format!(
        "{} of {} solved",
        progress.count(course),
        course.exercises().count()
    );
    let name = format!("{} {}", next.id(), next.name);
    writeln!(
        screen,
        "  {} {name}  {}",
        paint.dim("next exercise      "),
        paint.dim(&count)
    )?;
    writeln!(
        screen,
        "  {} {}\n",
        paint.dim("open               "),
        paint.name(&next.file())
    )?;
    Ok(())
}

/// `cargo learn list`: prints every exercise by name.
pub fn list(screen: &mut Screen, course: &Course) -> Result<()> {
    let progress = Progress::load(course);
    progress.warn(screen)?;
    let next = progress.next(course);
    for chapter in &course.chapters {
        let title = format!("{:>2}  {}", chapter.number, chapter.title);
        writeln!(screen, "{}", screen.paint.bold(&title))?;
        for exercise in &chapter.exercises {
            let (mark, note) = if progress.is_done(course, exercise) {
                (screen.paint.good("✓"), "")
            } else if Some(exercise) == next {
                (screen.paint.name("›"), "next")
            } else if exercise.touched(&course.root) {
                ("·".to_owned(), "begun")
            } else {
                ("·".to_owned(), "")
            };
            let name = format!("{mark} {} {:<24}", exercise.id(), exercise.name);
            let line = format!("    {name} {}", screen.paint.dim(note));
            writeln!(screen, "{}", line.trim_end())?;
        }
    }
    let (done, all) = (progress.count(course), course.exercises().count());
    writeln!(screen, "\n{done} of {all} solved")?;
    Ok(())
}

fn welcome(screen: &mut Screen, course: &Course) -> Result<()> {
    let (exercises, chapters) = (course.exercises().count(), course.chapters.len());
    let count = format!(
        "{} in {}",
        many(exercises, "exercise"),
        many(chapters, "chapter")
    );
    let title = screen.paint.bold("Welcome to Pocket Sockets");
    writeln!(screen, "{title}: {count}.\n")?;
    writeln!(
        screen,
        "Each exercise is a program with a piece missing. Read the chapter, write the piece, and\n\
         run `cargo learn` again: a test peer then talks to your program, and tells you what it saw.\n\
         This is the first one, as it stands now; it fails because it isn't written yet.\n"
    )?;
    Ok(())
}

fn chapters(screen: &mut Screen, course: &Course, progress: &Progress) -> Result<()> {
    let width = course
        .chapters
        .iter()
        .map(|c| c.title.chars().count())
        .max()
        .unwrap_or(0);
    let next = progress.next(course);
    for chapter in &course.chapters {
        let marks: String = chapter
            .exercises
            .iter()
            .map(|e| {
                if progress.is_done(course, e) {
                    '✓'
                } else {
                    '·'
                }
            })
            .collect();
        let title = format!("{:>2}  {:<width$}", chapter.number, chapter.title);
        let line = match next.filter(|next| next.chapter == chapter.number) {
            Some(next) => {
                let next = screen.paint.dim(&format!("next: {}", next.id()));
                format!("{title}  {marks}  {next}")
            }
            None if marks.contains('·') => format!("{title}  {marks}"),
            None => screen.paint.good(&format!("{title}  {marks}")),
        };
        writeln!(screen, "{line}")?;
    }
    writeln!(screen)?;
    Ok(())
}

pub fn all_solved(screen: &mut Screen, course: &Course) -> Result<()> {
    let count = many(course.exercises().count(), "exercise");
    let text = format!("All done: {count} solved.");
    writeln!(screen, "{}\n", screen.paint.good(&text))?;
    writeln!(
        screen,
        "The finished version of what you built piece by piece is in crates/: start at\n\
         crates/unix-server/src/main.rs, and follow it into crates/shared-server.\n\
         To measure it on your own machine: cargo run --release -p ipc-bench"
    )?;
    Ok(())
}

/// Formats a number: `1 chapter`, `24 exercises`.
fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
