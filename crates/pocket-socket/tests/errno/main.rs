//! The field guide to errno (`docs/src/appendix-errno.md`): each situation that it lists is brought
//! about here and must end as the page says, and the page lists no other.
#![cfg(target_os = "linux")] // the page tells what Linux does

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use page::Entry;

mod binding;
mod connecting;
mod descriptors;
mod network;
mod page;
mod talking;
mod waiting;
mod wrong_calls;

#[path = "../skipped/mod.rs"]
mod skipped;

/// Something that goes wrong.
struct Situation {
    /// The heading it stands under: the errno's name, or the kind of an error without one.
    entry: &'static str,
    /// As the page puts it.
    text: &'static str,
    /// Brings it about, in a folder that is empty at first.
    happens: fn(&Path) -> io::Error,
}

/// Descriptors and limits belong to the whole process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn situations() -> impl Iterator<Item = &'static Situation> {
    [
        waiting::SITUATIONS,
        connecting::SITUATIONS,
        network::SITUATIONS,
        binding::SITUATIONS,
        talking::SITUATIONS,
        wrong_calls::SITUATIONS,
        descriptors::SITUATIONS,
    ]
    .into_iter()
    .flatten()
}

/// The heading that an error belongs under.
fn entry(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("{:?}", Errno::from_raw(number)),
        None => format!("{:?}", error.kind()),
    }
}

/// The errno of an entry that has one.
fn errno(entry: &str) -> Option<i32> {
    (1..134).find(|&number| format!("{:?}", Errno::from_raw(number)) == entry)
}

/// What Python raises for each errno.
fn python_classes(numbers: &[i32]) -> Option<BTreeMap<i32, String>> {
    let code = format!("for n in {numbers:?}: print(n, type(OSError(n, '')).__name__)");
    let output = Command::new("python3").args(["-c", &code]).output().ok()?;
    let text = String::from_utf8(output.stdout).unwrap();
    let pairs = text.lines().map(|line| line.split_once(' ').unwrap());
    Some(
        pairs
            .map(|(number, class)| (number.parse().unwrap(), class.to_owned()))
            .collect(),
    )
}

#[test]
fn each_situation_ends_as_the_page_says() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for situation in situations() {
        if situation.text == binding::LOW_PORT && binding::first_port_for_all() < 2 {
            skipped::skipped("here every port is free for all: EACCES of bind is not tried");
            continue;
        }
        if situation.text == network::NO_NEIGHBOR && !network::is_available() {
            skipped::skipped("no network of our own can be made: EHOSTUNREACH is not tried");
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        // Others may come in, or a mode within would not be what keeps them out.
        let open = PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let error = (situation.happens)(folder.path());
        assert_eq!(
            entry(&error),
            situation.entry,
            "{}: {error:?}",
            situation.text
        );
    }
}

#[test]
fn the_page_lists_these_situations_and_no_other() {
    let produced: BTreeSet<_> = situations()
        .map(|situation| (situation.entry.to_owned(), situation.text.to_owned()))
        .collect();
    let listed: BTreeSet<_> = page::read()
        .entries
        .into_iter()
        .flat_map(|Entry { name, listed, .. }| listed.into_iter().map(move |s| (name.clone(), s)))
        .collect();
    let untested: Vec<_> = listed.difference(&produced).collect();
    let unlisted: Vec<_> = produced.difference(&listed).collect();
    assert!(
        untested.is_empty() && unlisted.is_empty(),
        "docs/src/appendix-errno.md lists what no test does: {untested:#?}\n\
         and does not list what one does: {unlisted:#?}"
    );
}

#[test]
fn the_page_has_the_systems_words_and_numbers() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let page = page::read();
    let mut numbers: Vec<_> = page.entries.iter().filter_map(|e| errno(&e.name)).collect();
    numbers.sort_unstable();
    let Some(classes) = python_classes(&numbers) else {
        return skipped::skipped("python3 is not installed: Python's exceptions are not compared");
    };
    for entry in &page.entries {
        let Some(number) = errno(&entry.name) else {
            continue;
        };
        let error = io::Error::from_raw_os_error(number);
        let facts = format!(
            "`{error}` · Python `{}` · Rust `{:?}`",
            classes[&number],
            error.kind()
        );
        assert_eq!(entry.facts, facts, "under {}", entry.name);
    }
    let rows: Vec<_> = numbers
        .iter()
        .map(|&number| {
            let error = io::Error::from_raw_os_error(number).to_string();
            let name = format!("{:?}", Errno::from_raw(number));
            let message = error.replace(&format!(" (os error {number})"), "");
            let anchor = name.to_lowercase();
            format!("| {number} | [`{name}`](#{anchor}) | {message} |")
        })
        .collect();
    assert_eq!(
        page.index, rows,
        "left: the page's index; right: the system"
    );
}
