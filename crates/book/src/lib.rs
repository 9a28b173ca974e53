//! Builds the book in `docs/` and finds mistakes that mdBook itself doesn't report.
//!
//! [`Book::build`] renders it; [`check::all`] reads pages, exercises and the rendered pages and
//! reports what is wrong with them, by file and line. Checks that need a shell or a browser are not
//! done here: this crate's tests try the console sessions and the pages themselves.
#![warn(missing_docs)]

pub mod check;
pub mod markdown;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use markdown::Page;
use mdbook_driver::MDBook;

/// The book, rendered.
#[derive(Debug)]
pub struct Book {
    /// The workspace's root: exercises and listings are looked for below it.
    pub root: PathBuf,
    /// Where the pages' sources are: `docs/src`.
    pub src: PathBuf,
    /// Where the rendered pages are: `docs/book`.
    pub out: PathBuf,
    /// The pages that `SUMMARY.md` names, in its order; without drafts.
    pub pages: Vec<Page>,
}

impl Book {
    /// Renders `docs/` of the workspace in `root`, from scratch.
    ///
    /// # Errors
    ///
    /// When `docs/book.toml`, `SUMMARY.md` or a page that it names cannot be read, or a rendered
    /// page cannot be written. [`check::all`] finds the mistakes that mdBook passes over.
    pub fn build(root: &Path) -> Result<Book> {
        let root = fs::canonicalize(root).with_context(|| format!("{}", root.display()))?;
        let docs = root.join("docs");
        let source =
            MDBook::load(&docs).with_context(|| format!("cannot load {}", docs.display()))?;
        source
            .build()
            .with_context(|| format!("cannot build {}", docs.display()))?;
        let src = docs.join(&source.config.book.src);
        let pages = source
            .book
            .chapters()
            .filter_map(|chapter| chapter.source_path.as_ref())
            .map(|name| Page::read(&src.join(name)))
            .collect::<Result<_>>()?;
        Ok(Book {
            out: docs.join(&source.config.build.build_dir),
            root,
            src,
            pages,
        })
    }

    /// The chapters: pages whose name starts with a number.
    pub fn chapters(&self) -> impl Iterator<Item = &Page> {
        self.pages.iter().filter(|page| page.number().is_some())
    }

    /// The rendered form of a page that is called `name` with or without `.md` or `.html`.
    #[must_use]
    pub fn rendered(&self, name: &str) -> PathBuf {
        self.out.join(name).with_extension("html")
    }
}
