//! Shows a failed check as a picture: a sequence diagram in one HTML file that contains no scripts
//! and loads nothing from the network.
//!
//! `items` puts what is drawn in the order of time, `scale` gives each moment its height, and
//! `lanes` gives each peer its position. `drawing` draws all of it over the `backdrop`, with the
//! strokes of `paper` and the arrows of `shape`, and the `difference` below. `words` describes the
//! drawing for readers who can't see it. `page` is the page around the drawings, and `file` is
//! where it is stored. `account` has selected and worded what is shown, as it does for the text.

mod backdrop;
mod difference;
mod drawing;
mod file;
mod items;
mod lanes;
mod page;
mod paper;
mod scale;
mod shape;
mod words;

use std::sync::{Mutex, PoisonError};

use crate::account::Account;

/// The sections of this test process, one for each check that has failed so far.
static SECTIONS: Mutex<Vec<page::Section>> = Mutex::new(Vec::new());

/// What was drawn for one failed check.
pub(crate) struct Drawn {
    /// The file's path relative to the workspace's folder; `None` if the file couldn't be written.
    pub file: Option<String>,
    /// The section about this check in the file.
    pub section: String,
}

impl Drawn {
    /// Draws a failed check, and writes a file that also contains the drawings of checks that
    /// failed earlier.
    pub fn new(account: &Account) -> Self {
        let mut sections = SECTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        if account.unsolved.is_some() {
            return Self {
                file: None,
                section: String::new(),
            };
        }
        let section = page::section(account, sections.len() + 1);
        let html = section.html.clone();
        sections.push(section);
        sections.sort_by_key(page::Section::place);
        // Under the lock: if two checks fail at the same time, the later one writes both.
        let file = file::name().and_then(|name| {
            let page = page::page(&name, &sections);
            file::write(&name, &page)
        });
        Self {
            file,
            section: html,
        }
    }
}

/// Removes the file of an earlier run, which could be mistaken for a picture of this one.
pub(crate) fn begin() {
    file::remove();
}
