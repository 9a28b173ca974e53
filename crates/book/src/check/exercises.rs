//! Every exercise has a chapter that links to it, and every chapter has an exercise.

use course::Course;

use super::Findings;
use crate::Book;

pub fn check(book: &Book, course: &Course, found: &mut Findings<'_>) {
    for exercise in course.exercises() {
        let name = format!("exercises/{}", exercise.folder);
        let readme = exercise.readme(&course.root);
        if !readme.is_file() {
            let manifest = exercise.path(&course.root).join("Cargo.toml");
            found.add(
                &manifest,
                1,
                "an exercise without a README.md: write its task",
            );
            continue;
        }
        let number = exercise.chapter;
        let mut chapters = book.chapters().filter(|page| page.number() == Some(number));
        let mentioned = chapters.any(|page| {
            let mut links = page.links.iter();
            links.any(|link| link.to.trim_end_matches('/').ends_with(&name))
        });
        if !mentioned {
            let what = format!(
                "chapter {number} does not mention this exercise: link to ../../{name}/ there"
            );
            found.add(&readme, 1, what);
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
}
