//! Checks that the map of the repository names every crate. Its links are checked with all others.

use anyhow::Result;

use super::{Findings, list};
use crate::Book;

const PAGE: &str = "house-map";

pub fn check(book: &Book, found: &mut Findings<'_>) -> Result<()> {
    let Some(page) = book.pages.iter().find(|page| page.stem() == PAGE) else {
        return Ok(());
    };
    for folder in list(&book.root.join("crates"))? {
        let name = folder.file_name().unwrap_or_default().display();
        let link = format!("../../crates/{name}");
        if !page.links.iter().any(|named| named.to == link) {
            let what = format!("the map lacks {link}: say what this crate is for");
            found.add(&page.path, 1, what);
        }
    }
    Ok(())
}
