//! No exercise without a chapter that leads to it, no chapter without an exercise.

use anyhow::Result;

use super::{Findings, exercise_folders};
use crate::Book;

pub fn check(book: &Book, found: &mut Findings<'_>) -> Result<()> {
    for folder in exercise_folders(&book.root)? {
        let name = folder
            .strip_prefix(&book.root)
            .unwrap_or(&folder)
            .to_string_lossy()
            .into_owned();
        if !folder.join("README.md").is_file() {
            found.add(
                &folder.join("Cargo.toml"),
                1,
                "an exercise without a README.md: write its task",
            );
            continue;
        }
        let number = name
            .split('/')
            .nth(1)
            .and_then(|chapter| chapter.split('_').next());
        let number: Option<u32> = number.and_then(|number| number.parse().ok());
        let mentioned = book
            .chapters()
            .filter(|page| page.number() == number)
            .any(|page| {
                page.links
                    .iter()
                    .any(|link| link.to.trim_end_matches('/').ends_with(&name))
            });
        if !mentioned {
            let chapter = number.map_or("its".to_owned(), |number| number.to_string());
            found.add(
                &folder.join("README.md"),
                1,
                format!(
                    "chapter {chapter} does not mention this exercise: link to ../../{name}/ there"
                ),
            );
        }
    }
    for page in book.chapters() {
        if !page
            .links
            .iter()
            .any(|link| link.to.contains("/exercises/"))
        {
            found.add(
                &page.path,
                1,
                "a chapter without an exercise: link to its folder under exercises/",
            );
        }
    }
    Ok(())
}
