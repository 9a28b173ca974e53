//! Resets an exercise to its original text.
//!
//! The original is made from the solution and the diff next to it, `stub.diff`. That also works in
//! a folder that was downloaded without git, and whenever the learner began. `cargo verify` proves
//! that the result is the exercise's `src/main.rs`. The learner's text is first copied to
//! `.learn-backups/`, under a new number, so that a reset can itself be undone.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::file;
use crate::progress::Progress;
use course::screen::Screen;
use course::{Course, Exercise};

const BACKUPS: &str = ".learn-backups";

/// `cargo learn reset`: replaces the learner's file by the stub, after making a copy.
pub fn reset(screen: &mut Screen, course: &Course, exercise: &Exercise) -> Result<()> {
    let own = exercise.main_rs(&course.root);
    let beginning = exercise.stub(&course.root)?;
    if !exercise.touched(&course.root) {
        writeln!(
            screen,
            "{} is already in its original state.",
            exercise.file()
        )?;
        return Ok(());
    }
    let backup = if own.exists() {
        Some(keep(course, exercise, &own)?)
    } else {
        None
    };
    file::replace(&own, beginning.as_ref())
        .with_context(|| format!("cannot write {}", own.display()))?;
    writeln!(screen, "{} is back in its original state.", exercise.file())?;
    if let Some(backup) = backup {
        writeln!(
            screen,
            "Your version is kept in {}.",
            screen.paint.name(&backup)
        )?;
    }
    // A mark left on an exercise in its original state doesn't count.
    if let Err(error) = Progress::load(course).set(course, exercise, false) {
        writeln!(
            screen,
            "It still counts as solved, because that could not be changed: {error:#}"
        )?;
    }
    Ok(())
}

/// Copies the learner's file to the backups, under the first free number. Returns the copy's path
/// relative to the workspace's root.
fn keep(course: &Course, exercise: &Exercise, own: &Path) -> Result<String> {
    let folder = course.root.join(BACKUPS);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let name = (1..)
        .map(|number| format!("{}-{}-{number}.rs", exercise.id(), exercise.name))
        .find(|name| !folder.join(name).exists())
        .expect("numbers don't run out");
    let backup = folder.join(&name);
    let text = fs::read(own);
    let kept = text.and_then(|text| file::replace(&backup, &text));
    kept.with_context(|| {
        format!(
            "nothing was reset: cannot keep a copy in {}",
            backup.display()
        )
    })?;
    Ok(format!("{BACKUPS}/{name}"))
}
