//! Checks links and anchors: those on pages and in READMEs, and those in the checks of exercises,
//! which name the section to read again.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use course::{Course, slug};
use regex::Regex;

use super::{Findings, list, read, rust_files};
use crate::Book;
use crate::markdown::Page;

pub fn check(book: &Book, course: &Course, found: &mut Findings<'_>) -> Result<()> {
    let mut targets = Targets {
        book,
        ids: HashMap::new(),
    };
    for page in &book.pages {
        for link in &page.links {
            if let Err(what) = targets.linked_by_page(page, &link.to)? {
                found.add(&page.path, link.line, what);
            }
        }
    }
    for path in readmes(course)? {
        let readme = Page::read(&path)?;
        for link in &readme.links {
            if let Err(what) = targets.linked_by_readme(&readme, &link.to)? {
                found.add(&path, link.line, what);
            }
        }
    }
    for exercise in course.exercises() {
        sections_named_by_checks(&mut targets, &exercise.path(&course.root), found)?;
    }
    Ok(())
}

/// Checks the sections at the end of the explanations of failed checks:
/// `"03-who-hung-up.html#reset"`.
fn sections_named_by_checks(
    targets: &mut Targets<'_>,
    exercise: &Path,
    found: &mut Findings<'_>,
) -> Result<()> {
    let section =
        Regex::new(r#""(\d\d-[\w-]+)\.(?:html|md)(?:#([^"]*))?""#).expect("a constant pattern");
    for path in rust_files(&exercise.join("tests"))? {
        for (number, line) in read(&path)?.lines().enumerate() {
            for named in section.captures_iter(line) {
                let id = named.get(2).map(|id| id.as_str());
                if let Err(what) = targets.page(&named[1], id)? {
                    found.add(&path, number + 1, what);
                }
            }
        }
    }
    Ok(())
}

fn readmes(course: &Course) -> Result<Vec<PathBuf>> {
    let root = &course.root;
    let mut paths = vec![root.join("README.md")];
    paths.extend(
        list(&root.join("crates"))?
            .iter()
            .map(|folder| folder.join("README.md")),
    );
    for chapter in list(&root.join("exercises"))? {
        paths.push(chapter.join("README.md"));
    }
    paths.extend(course.exercises().map(|exercise| exercise.readme(root)));
    paths.retain(|path| path.is_file());
    Ok(paths)
}

/// The files and anchors that can be linked to. In a result, the inner `Err` says what is wrong
/// with the link.
struct Targets<'a> {
    book: &'a Book,
    ids: HashMap<String, HashSet<String>>,
}

type Verdict = Result<(), String>;

impl Targets<'_> {
    /// Checks a link on a page, which is relative to the rendered page.
    fn linked_by_page(&mut self, page: &Page, to: &str) -> Result<Verdict> {
        if let Some(verdict) = outside(to) {
            return Ok(verdict);
        }
        let (file, id) = split(to);
        if file.is_empty() {
            return self.page(page.stem(), id);
        }
        if !file.starts_with("../") {
            return match file.strip_suffix(".md") {
                Some(name) => self.page(name, id),
                None => Ok(self.exists(&self.book.src.join(file), to)),
            };
        }
        if file.ends_with(".md") {
            let folder = file.rsplit_once('/').map_or(file, |(folder, _)| folder);
            return Ok(Err(format!(
                "mdBook would turn {to} into an .html that is not there: link to the folder, {folder}/"
            )));
        }
        Ok(self.exists(&self.book.src.join(file), to))
    }

    /// Checks a link in a README, which the repository's host resolves relative to the README.
    fn linked_by_readme(&mut self, readme: &Page, to: &str) -> Result<Verdict> {
        if let Some(verdict) = outside(to) {
            return Ok(verdict);
        }
        let (file, id) = split(to);
        if file.is_empty() {
            let known = readme
                .headings
                .iter()
                .any(|heading| Some(&*slug(&heading.text)) == id);
            return Ok(if known {
                Ok(())
            } else {
                Err(format!("no heading here has the anchor {to}"))
            });
        }
        let folder = readme.path.parent().unwrap_or(&self.book.root);
        let path = normal(&folder.join(file));
        let page = path
            .strip_prefix(&self.book.src)
            .ok()
            .filter(|name| !name.ends_with("SUMMARY.md"));
        if let (Some(name), true) = (page, file.ends_with(".md")) {
            return self.page(&name.with_extension("").to_string_lossy(), id);
        }
        Ok(self.exists(&path, to))
    }

    /// Checks that there is a page `name`, and that something on it has this `id`.
    fn page(&mut self, name: &str, id: Option<&str>) -> Result<Verdict> {
        if !self.book.pages.iter().any(|page| page.stem() == name) {
            return Ok(Err(format!(
                "there is no page {name}.md in docs/src/SUMMARY.md: correct the name, or add the page"
            )));
        }
        let Some(id) = id else { return Ok(Ok(())) };
        if !self.ids.contains_key(name) {
            let ids = ids(&read(&self.book.rendered(name))?);
            self.ids.insert(name.to_owned(), ids);
        }
        if self.ids[name].contains(id) {
            return Ok(Ok(()));
        }
        Ok(Err(format!(
            "docs/src/{name}.md has no heading with the anchor #{id}: {}",
            self.nearest(name, id)
        )))
    }

    fn exists(&self, path: &Path, to: &str) -> Verdict {
        let path = normal(path);
        if !path.starts_with(&self.book.root) || !path.exists() {
            return Err(format!("{to} is not there: correct the path"));
        }
        let exercise = path.join("Cargo.toml").is_file() && to.contains("exercises/");
        if exercise && !to.ends_with('/') {
            return Err(format!(
                "write {to}/, as the links to exercises are written"
            ));
        }
        Ok(())
    }

    fn nearest(&self, name: &str, id: &str) -> String {
        let word = id.split('-').max_by_key(|word| word.len()).unwrap_or(id);
        let mut near: Vec<_> = self.ids[name]
            .iter()
            .filter(|known| known.contains(word))
            .collect();
        near.sort();
        match near.first() {
            Some(known) => format!("did you mean #{known}?"),
            None => "correct it, or add the heading".to_owned(),
        }
    }
}

/// Returns the verdict on a link that leaves the repository. The link is not followed.
fn outside(to: &str) -> Option<Verdict> {
    let (scheme, _) = to.split_once(':')?;
    if scheme.contains(['/', '#', '.']) {
        return None;
    }
    Some(match scheme {
        "https" | "mailto" => Ok(()),
        _ => Err(format!("{to}: links that leave the book are https")),
    })
}

fn split(to: &str) -> (&str, Option<&str>) {
    to.split_once('#')
        .map_or((to, None), |(file, id)| (file, Some(id)))
}

fn ids(html: &str) -> HashSet<String> {
    let id = Regex::new(r#"\sid="([^"]+)""#).expect("a constant pattern");
    id.captures_iter(html)
        .map(|found| found[1].to_owned())
        .collect()
}

/// Returns the path without `.` and `..`. Symlinks are not followed.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                plain.pop();
            }
            std::path::Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}
