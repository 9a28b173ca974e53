//! Reads a Markdown file as mdBook does, and keeps what the checks need: links, headings and code
//! blocks, each with its line. This renders nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mdbook_markdown::pulldown_cmark::{CodeBlockKind, CowStr, Event, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use regex::Regex;

/// A parsed Markdown file.
#[derive(Debug)]
pub struct Page {
    /// The path from which it was read.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Its links and images, in order.
    pub links: Vec<Link>,
    /// Its headings, in order.
    pub headings: Vec<Heading>,
    /// Its code blocks, in order.
    pub blocks: Vec<Block>,
}

/// A link or an image.
#[derive(Debug)]
pub struct Link {
    /// Its line, counted from 1.
    pub line: usize,
    /// Where it leads, as written.
    pub to: String,
}

/// A heading.
#[derive(Debug)]
pub struct Heading {
    /// Its line, counted from 1.
    pub line: usize,
    /// 1 for the page's title, 2 for its sections, 3 for their parts.
    pub level: usize,
    /// Its text, without markup.
    pub text: String,
}

/// A code block.
#[derive(Debug)]
pub struct Block {
    /// The line of its fence, counted from 1; its content starts on the next line.
    pub line: usize,
    /// The text after the fence's backticks: `rust`, `console,needs=ss`; empty for an indented
    /// block.
    pub info: String,
    /// Its content, as written: includes have not been replaced.
    pub text: String,
}

impl Block {
    /// Returns the block's language: `info` up to the first comma.
    #[must_use]
    pub fn language(&self) -> &str {
        self.info.split(',').next().unwrap_or_default().trim()
    }
}

impl Page {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// Fails if the file can't be read as UTF-8 text.
    pub fn read(path: &Path) -> Result<Page> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Page::new(path, text))
    }

    /// Parses `text`, which was read from `path`.
    #[must_use]
    pub fn new(path: &Path, text: String) -> Page {
        let mut page = Page {
            path: path.to_owned(),
            links: Vec::new(),
            headings: Vec::new(),
            blocks: Vec::new(),
            text: String::new(),
        };
        page.take_apart(&text);
        page.text = text;
        page
    }

    /// Returns the chapter's number from the file's name: 4 for `04-where-….md`.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        let (number, _) = self.path.file_name()?.to_str()?.split_once('-')?;
        number.parse().ok()
    }

    /// Returns the file's name without its extension.
    #[must_use]
    pub fn stem(&self) -> &str {
        self.path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
    }

    fn take_apart(&mut self, text: &str) {
        let lines = Lines::of(text);
        let mut heading: Option<Heading> = None;
        let mut block: Option<Block> = None;
        for (event, place) in new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter()
        {
            let line = lines.number(place.start);
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    self.links.push(Link {
                        line,
                        to: dest_url.into_string(),
                    });
                }
                Event::Html(html) | Event::InlineHtml(html) => self.html_links(line, &html),
                Event::Start(Tag::Heading { level, .. }) => {
                    heading = Some(Heading {
                        line,
                        level: level as usize,
                        text: String::new(),
                    });
                }
                Event::End(TagEnd::Heading(_)) => self.headings.extend(heading.take()),
                Event::Start(Tag::CodeBlock(kind)) => {
                    block = Some(Block {
                        line,
                        info: info(kind),
                        text: String::new(),
                    });
                }
                Event::End(TagEnd::CodeBlock) => self.blocks.extend(block.take()),
                Event::Text(part) | Event::Code(part) => {
                    if let Some(block) = &mut block {
                        block.text.push_str(&part);
                    } else if let Some(heading) = &mut heading {
                        heading.text.push_str(&part);
                    }
                }
                _ => {}
            }
        }
    }

    fn html_links(&mut self, line: usize, html: &CowStr<'_>) {
        let attribute = Regex::new(r#"\b(?:href|src)\s*=\s*["']([^"']*)["']"#)
            .expect("a constant pattern that the tests use");
        for (below, text) in html.lines().enumerate() {
            for found in attribute.captures_iter(text) {
                self.links.push(Link {
                    line: line + below,
                    to: found[1].to_owned(),
                });
            }
        }
    }
}

fn info(kind: CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Fenced(info) => info.into_string(),
        CodeBlockKind::Indented => String::new(),
    }
}

/// Finds the line that a byte offset is in.
struct Lines {
    ends: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Lines {
        Lines {
            ends: text.match_indices('\n').map(|(at, _)| at).collect(),
        }
    }

    fn number(&self, byte: usize) -> usize {
        self.ends.partition_point(|&end| end < byte) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A `title`\n\nSee [two](02-x.md#y)\nand <a href=\"z.html\">z</a>.\n\n\
                        ```rust,ignore\nfn f() {}\n```\n\n> [!NOTE]\n> ```console\n> $ true\n> ```\n";

    #[test]
    fn links_are_found_in_markdown_and_in_html_with_their_lines() {
        let page = Page::new(Path::new("01-a.md"), TEXT.to_owned());
        let links: Vec<_> = page
            .links
            .iter()
            .map(|link| (link.line, link.to.as_str()))
            .collect();
        assert_eq!(links, [(3, "02-x.md#y"), (4, "z.html")]);
    }

    #[test]
    fn blocks_keep_their_language_and_their_line() {
        let page = Page::new(Path::new("01-a.md"), TEXT.to_owned());
        let blocks: Vec<_> = page
            .blocks
            .iter()
            .map(|b| (b.line, b.language(), &*b.text))
            .collect();
        assert_eq!(
            blocks,
            [(6, "rust", "fn f() {}\n"), (11, "console", "$ true\n")]
        );
    }

    #[test]
    fn a_chapter_is_known_by_its_number() {
        let page = Page::new(Path::new("src/04-a.md"), TEXT.to_owned());
        assert_eq!((page.number(), page.stem()), (Some(4), "04-a"));
        assert_eq!(page.headings[0].text, "A title");
        assert_eq!(
            Page::new(Path::new("introduction.md"), String::new()).number(),
            None
        );
    }
}
