//! Every chapter ends with its exercises, its questions and a section on where all this is used.

use super::Findings;
use crate::Book;
use crate::markdown::Page;

/// The last sections of a chapter, in this order.
const SECTIONS: [&str; 3] = ["Exercises", "Check yourself", "Where this is used"];

/// How many questions "Check yourself" must have at least.
const QUESTIONS: usize = 3;

pub fn check(book: &Book, found: &mut Findings<'_>) {
    for page in book.chapters() {
        title(page, found);
        sections(page, found);
    }
}

fn title(page: &Page, found: &mut Findings<'_>) {
    let mut titles = page.headings.iter().filter(|heading| heading.level == 1);
    match titles.next() {
        Some(title) if title.text.ends_with('?') => {}
        Some(title) => found.add(
            &page.path,
            title.line,
            "a chapter's title is a question: end it with ?",
        ),
        None => found.add(
            &page.path,
            1,
            "no title: a chapter begins with “# ” and its question",
        ),
    }
    if let Some(second) = titles.next() {
        found.add(
            &page.path,
            second.line,
            "a second title: sections are “## ”",
        );
    }
}

fn sections(page: &Page, found: &mut Findings<'_>) {
    let headings: Vec<_> = page
        .headings
        .iter()
        .filter(|heading| heading.level == 2)
        .collect();
    let mut last = 0;
    for wanted in SECTIONS {
        let Some(at) = headings.iter().position(|heading| heading.text == wanted) else {
            found.add(
                &page.path,
                1,
                format!("no section “## {wanted}”: every chapter has one"),
            );
            continue;
        };
        if at < last {
            let order = SECTIONS.join(", ");
            found.add(
                &page.path,
                headings[at].line,
                format!("move this section: the order is {order}"),
            );
        }
        last = at;
        if wanted == "Check yourself" {
            let from = headings[at].line;
            let to = headings.get(at + 1).map_or(usize::MAX, |next| next.line);
            let questions = page.text.lines().take(to - 1).skip(from);
            let questions = questions.filter(|line| line.contains("<summary>")).count();
            if questions < QUESTIONS {
                let what = format!(
                    "{questions} questions: write at least {QUESTIONS}, answers in <details>"
                );
                found.add(&page.path, from, what);
            }
        }
    }
}
