//! Checks again on every save, until the learner leaves.
//!
//! What was saved decides what is checked: a file of exercise 04-02 checks 04-02. A save or a key
//! during a check ends that check, with all that it started, so that a program stuck in a loop
//! never has to be looked for by hand.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use notify::event::{EventKind, ModifyKind};
use notify::{RecursiveMode, Watcher as _};

use crate::check::{self, Limits, Verdict};
use crate::progress::Progress;
use crate::stand;
use course::screen::Screen;
use course::{Course, Exercise};

/// How long a save may take: editors write, rename and touch in quick succession.
const SETTLE: Duration = Duration::from_millis(40);

enum Event {
    Changed(PathBuf),
    Line(String),
}

#[derive(Clone)]
enum Action<'c> {
    Check(&'c Exercise),
    /// Enter: whichever is next by then.
    Next,
    Leave,
}

/// `cargo learn watch`.
pub fn watch(screen: &mut Screen, course: &Course, time: Duration) -> Result<()> {
    let (sender, events) = channel();
    let folder = course.root.join("exercises");
    let mut watcher = notify::recommended_watcher(report_to(sender.clone()))
        .context("this system cannot tell when files change; use `cargo learn check`")?;
    watcher
        .watch(&folder, RecursiveMode::Recursive)
        .with_context(|| format!("cannot watch {}", folder.display()))?;
    thread::spawn(move || read_keys(&sender));
    let mut desk = Desk {
        course,
        events,
        texts: HashMap::new(),
    };
    let mut action = Action::Next;
    loop {
        let exercise = match action {
            Action::Leave => return Ok(()),
            Action::Check(exercise) => Some(exercise),
            Action::Next => Progress::load(course).next(course),
        };
        screen.fresh()?;
        let Some(exercise) = exercise else {
            stand::all_solved(screen, course)?;
            action = desk.wait(screen)?;
            continue;
        };
        action = match desk.check(screen, exercise, time)? {
            Some(action) => action,
            None => desk.wait(screen)?,
        };
    }
}

/// What the watcher works with: where events come in, and what the files held when last seen.
struct Desk<'c> {
    course: &'c Course,
    events: Receiver<Event>,
    texts: HashMap<PathBuf, Vec<u8>>,
}

impl<'c> Desk<'c> {
    /// Checks one exercise; or what to do instead, if that came up meanwhile.
    fn check(
        &mut self,
        screen: &mut Screen,
        exercise: &'c Exercise,
        time: Duration,
    ) -> Result<Option<Action<'c>>> {
        let course = self.course;
        let own = exercise.main_rs(&course.root);
        let text = fs::read(&own).unwrap_or_default();
        self.texts.insert(own, text);
        stand::heading(screen, course, exercise)?;
        let mut instead = None;
        let mut pause = |time| {
            instead = self
                .events
                .recv_timeout(time)
                .ok()
                .and_then(|event| self.action(event));
            instead.is_some()
        };
        let mut limits = Limits {
            time,
            pause: &mut pause,
        };
        let verdict = check::check(screen, course, exercise, &mut limits)?;
        if verdict.passed() {
            stand::what_is_next(screen, course, exercise)?;
        }
        if matches!(verdict, Verdict::Stopped) {
            writeln!(screen, "stopped")?;
        }
        Ok(instead)
    }

    fn wait(&mut self, screen: &mut Screen) -> Result<Action<'c>> {
        let keys = "Save to check again. Enter: the next exercise. q and Enter: leave.";
        writeln!(screen, "\n{}", screen.paint.dim(keys))?;
        screen.flush()?;
        loop {
            let event = self
                .events
                .recv()
                .context("nothing tells of changes any more")?;
            if let Some(action) = self.action(event) {
                return Ok(action);
            }
        }
    }

    /// What an event asks for; nothing if the file holds what it held before.
    fn action(&mut self, event: Event) -> Option<Action<'c>> {
        match event {
            Event::Line(line) if matches!(line.trim(), "q" | "quit") => Some(Action::Leave),
            Event::Line(_) => Some(Action::Next),
            Event::Changed(path) => {
                let exercise = self.course.holding(&path)?;
                let text = self.settled(&path)?;
                let before = self.texts.insert(path, text.clone());
                (before.as_ref() != Some(&text)).then_some(Action::Check(exercise))
            }
        }
    }

    /// The file's text, once it has stopped changing; none while there is no such file.
    fn settled(&self, path: &Path) -> Option<Vec<u8>> {
        let mut text = fs::read(path).ok()?;
        loop {
            thread::sleep(SETTLE);
            let again = fs::read(path).ok()?;
            if again == text {
                return Some(text);
            }
            text = again;
        }
    }
}

/// Passes on what a learner's editor does to a file that Cargo compiles.
fn report_to(sender: Sender<Event>) -> impl FnMut(notify::Result<notify::Event>) {
    move |event| {
        let Ok(event) = event else { return };
        let written = match event.kind {
            EventKind::Modify(ModifyKind::Metadata(_)) => false,
            EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) => true,
            _ => false,
        };
        let compiled = |path: &PathBuf| {
            path.extension().is_some_and(|end| end == "rs") || path.ends_with("Cargo.toml")
        };
        for path in event
            .paths
            .into_iter()
            .filter(|path| written && compiled(path))
        {
            // Nobody listens any more once the learner has left.
            let _ = sender.send(Event::Changed(path));
        }
    }
}

/// Passes on each line of standard input; its end is not a wish to leave.
fn read_keys(sender: &Sender<Event>) {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        if sender.send(Event::Line(line)).is_err() {
            return;
        }
    }
}
