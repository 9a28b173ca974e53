//! Builds the book in `docs/` and finds mistakes that mdBook itself doesn't report.
//!
//! [`Book::build`] renders it. [`check::all`] reads pages, exercises and the rendered pages, and
//! reports what is wrong with them, by file and line. What needs a shell or a browser, the console
//! sessions and the pages themselves, is tested by this crate's tests.
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
    /// The workspace's root, below which exercises and listings are found.
    pub root: PathBuf,
    /// The folder with the pages' sources: `docs/src`.
    pub src: PathBuf,
    /// The folder with the rendered pages: `docs/book`.
    pub out: PathBuf,
    /// The pages that `SUMMARY.md` names, in its order, without drafts.
    pub pages: Vec<Page>,
}

impl Book {
    /// Renders `docs/` of the workspace in `root`, from scratch.
    ///
    /// # Errors
    ///
    /// Fails if `docs/book.toml`, `SUMMARY.md` or a page that it names can't be read, or if a
    /// rendered page can't be written. Mistakes that mdBook ignores are found by [`check::all`].
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

    /// Returns the chapters: the pages whose name starts with a number.
    pub fn chapters(&self) -> impl Iterator<Item = &Page> {
        self.pages.iter().filter(|page| page.number().is_some())
    }

    /// Returns the path of a rendered page. `name` may end with `.md`, `.html` or neither.
    #[must_use]
    pub fn rendered(&self, name: &str) -> PathBuf {
        self.out.join(name).with_extension("html")
    }
}
