//! Checks again on every save, until the learner quits.
//!
//! The file that was saved decides what is checked: after a save in exercise 04-02, 04-02 is
//! checked. A save or a key during a check stops that check and everything that it started, so the
//! learner never has to hunt for a program stuck in a loop.
//!
//! Where it can, the system reports saves immediately. Some file systems report nothing (a Windows
//! drive in WSL, a network drive, a virtual machine's shared folder), so the files are also
//! compared every two seconds.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use notify::event::{EventKind, MetadataKind, ModifyKind};
use notify::{Config, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::check::{self, Limits};
use crate::progress::Progress;
use crate::stand;
use crate::verdict::Verdict;
use course::screen::Screen;
use course::{Course, Exercise};

/// How long a file must stay unchanged after a save: editors write, rename and touch in quick
/// succession.
const SETTLE: Duration = Duration::from_millis(40);
/// How often the files are compared with what they contained before.
const LOOK: Duration = Duration::from_secs(2);

enum Event {
    Changed(PathBuf),
    Line(String),
}

#[derive(Clone)]
enum Action<'c> {
    Check(&'c Exercise),
    /// Enter was pressed: go to the first unsolved exercise after this one.
    Next(Option<&'c Exercise>),
    Leave,
}

/// `cargo learn watch`: begins with `first` if it is given, and otherwise with the next exercise.
pub fn watch(
    screen: &mut Screen,
    course: &Course,
    first: Option<&Exercise>,
    time: Duration,
) -> Result<()> {
    let (sender, events) = channel();
    let folder = course.root.join("exercises");
    let (_watchers, note) = watchers(&folder, &sender)?;
    thread::spawn(move || read_keys(&sender));
    let mut progress = Progress::load(course);
    let mut desk = Desk {
        course,
        events,
        texts: texts(&folder),
        current: None,
        note,
    };
    let mut next = first.or_else(|| progress.next(course));
    loop {
        screen.fresh()?;
        progress.refresh(course);
        progress.warn(screen)?;
        let action = match next {
            Some(exercise) => desk.check(screen, &mut progress, exercise, time)?,
            None => stand::all_solved(screen, course).map(|()| None)?,
        };
        let action = action.map_or_else(|| desk.wait(screen), Ok)?;
        progress.refresh(course);
        next = match action {
            Action::Leave => return Ok(()),
            Action::Check(exercise) => Some(exercise),
            Action::Next(Some(current)) => progress.after(course, current),
            Action::Next(None) => progress.next(course),
        };
    }
}

type Watchers = (PollWatcher, Option<RecommendedWatcher>);

/// Returns a watcher that reports saves in `folder` until it is dropped, and a notice to show if
/// reports may be delayed.
fn watchers(folder: &Path, sender: &Sender<Event>) -> Result<(Watchers, Option<String>)> {
    let look = Config::default()
        .with_poll_interval(LOOK)
        // The time of a file has seconds only on some file systems.
        .with_compare_contents(true);
    let mut looks = PollWatcher::new(report_to(sender.clone()), look)
        .context("cannot watch the exercise files; use `cargo learn check`")?;
    looks
        .watch(folder, RecursiveMode::Recursive)
        .with_context(|| format!("cannot watch {}", folder.display()))?;
    let told = notify::recommended_watcher(report_to(sender.clone())).and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::Recursive)?;
        Ok(watcher)
    });
    let note = told.as_ref().err().map(|error| {
        let seconds = LOOK.as_secs();
        format!(
            "Saves are noticed within {seconds} s; this system cannot report them immediately: \
             {error}"
        )
    });
    Ok(((looks, told.ok()), note))
}

/// The state of `cargo learn watch`: where events arrive, and what the files contained when last
/// read.
struct Desk<'c> {
    course: &'c Course,
    events: Receiver<Event>,
    texts: HashMap<PathBuf, Vec<u8>>,
    /// The exercise that was checked last.
    current: Option<&'c Exercise>,
    /// A notice about how saves are detected, if needed.
    note: Option<String>,
}

impl<'c> Desk<'c> {
    /// Checks one exercise. If something else is to be done meanwhile, stops the check and returns
    /// that.
    fn check(
        &mut self,
        screen: &mut Screen,
        progress: &mut Progress,
        exercise: &'c Exercise,
        time: Duration,
    ) -> Result<Option<Action<'c>>> {
        let course = self.course;
        self.current = Some(exercise);
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
        let verdict = check::check(screen, course, progress, exercise, &mut limits)?;
        if verdict.passed() {
            stand::what_is_next(screen, course, progress, exercise)?;
        }
        if matches!(verdict, Verdict::Stopped) {
            writeln!(screen, "stopped")?;
        }
        Ok(instead)
    }

    fn wait(&mut self, screen: &mut Screen) -> Result<Action<'c>> {
        let keys = "Save to check again. Enter: the next exercise. q and Enter: quit.";
        writeln!(screen, "\n{}", screen.paint.dim(keys))?;
        if let Some(note) = &self.note {
            writeln!(screen, "{}", screen.paint.dim(note))?;
        }
        screen.flush()?;
        loop {
            let event = self
                .events
                .recv()
                .context("changes to files are no longer being reported")?;
            if let Some(action) = self.action(event) {
                return Ok(action);
            }
        }
    }

    /// Returns what to do after an event; `None` if the content of the file is unchanged.
    fn action(&mut self, event: Event) -> Option<Action<'c>> {
        match event {
            Event::Line(line) if matches!(line.trim(), "q" | "quit") => Some(Action::Leave),
            Event::Line(_) => Some(Action::Next(self.current)),
            Event::Changed(path) => {
                let exercise = self.course.holding(&path)?;
                let text = self.settled(&path)?;
                let before = self.texts.insert(path, text.clone());
                (before.as_ref() != Some(&text)).then_some(Action::Check(exercise))
            }
        }
    }

    /// Returns the text of the file once it has stopped changing; `None` if the file doesn't exist.
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

/// Returns a function that reports changes made by an editor to a file that Cargo compiles.
fn report_to(sender: Sender<Event>) -> impl FnMut(notify::Result<notify::Event>) {
    move |event| {
        let Ok(event) = event else { return };
        let written = match event.kind {
            // How a check of the files reports a save.
            EventKind::Modify(ModifyKind::Metadata(MetadataKind::WriteTime)) => true,
            EventKind::Modify(ModifyKind::Metadata(_)) => false,
            EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) => true,
            _ => false,
        };
        let paths = event.paths.into_iter();
        for path in paths.filter(|path| written && is_compiled(path)) {
            // There is no receiver anymore once the learner has quit.
            let _ = sender.send(Event::Changed(path));
        }
    }
}

/// Whether this is a file that Cargo compiles.
fn is_compiled(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "rs") || path.ends_with("Cargo.toml")
}

/// Returns the contents of the files below `folder`. With these, a file that was only touched
/// doesn't count as changed.
fn texts(folder: &Path) -> HashMap<PathBuf, Vec<u8>> {
    let mut texts = HashMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            texts.extend(self::texts(&path));
        } else if is_compiled(&path)
            && let Ok(text) = fs::read(&path)
        {
            texts.insert(path, text);
        }
    }
    texts
}

/// Reports each line of standard input, whatever its bytes are. The end of standard input doesn't
/// mean that the learner wants to quit.
fn read_keys(sender: &Sender<Event>) {
    for line in io::stdin().lock().split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        if sender.send(Event::Line(line)).is_err() {
            return;
        }
    }
}
