//! Figures follow the theme, fit on a phone and work with a screen reader. And every figure and
//! transcript is shown somewhere.

use std::path::Path;

use anyhow::Result;
use regex::Regex;

use super::{Findings, list, read};
use crate::Book;

/// The widest a figure may be, in its own units, which are pixels at full size.
const WIDEST: f64 = 400.0;

pub fn check(book: &Book, found: &mut Findings<'_>) -> Result<()> {
    for path in list(&book.src.join("figures"))? {
        used(book, &path, "figures", found);
        if path.extension().is_some_and(|extension| extension == "svg") {
            figure(&path, &read(&path)?, found);
        }
    }
    for path in list(&book.src.join("transcripts"))? {
        used(book, &path, "transcripts", found);
    }
    Ok(())
}

fn used(book: &Book, path: &Path, folder: &str, found: &mut Findings<'_>) {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return;
    };
    let include = format!("#include {folder}/{name}");
    if !name.starts_with('.') && !book.pages.iter().any(|page| page.text.contains(&include)) {
        found.add(
            path,
            1,
            format!("no page includes this: write {{{{{include}}}}}, or remove the file"),
        );
    }
}

fn figure(path: &Path, text: &str, found: &mut Findings<'_>) {
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    for (needed, why) in [
        (
            format!("<title id=\"{stem}-title\">"),
            "what the figure shows, in a few words",
        ),
        (
            format!("<desc id=\"{stem}-desc\">"),
            "what someone who cannot see it should know",
        ),
        (
            format!("aria-labelledby=\"{stem}-title {stem}-desc\""),
            "on the <svg>, with role=\"img\"",
        ),
        ("role=\"img\"".to_owned(), "on the <svg>"),
    ] {
        if !text.contains(&needed) {
            found.add(path, 1, format!("no {needed}: add it ({why})"));
        }
    }
    let view_box = Regex::new(r#"viewBox="[-\d.]+ [-\d.]+ ([\d.]+) "#).expect("a constant pattern");
    match view_box
        .captures(text)
        .and_then(|width| width[1].parse::<f64>().ok())
    {
        Some(width) if width <= WIDEST => {}
        Some(width) => found.add(
            path,
            1,
            format!("{width} wide: draw it at most {WIDEST} wide"),
        ),
        None => found.add(path, 1, "no viewBox: a figure must scale"),
    }
    let id = Regex::new(r#"\sid="([^"]+)""#).expect("a constant pattern");
    let color = Regex::new(r#"\b(?:fill|stroke|stop-color|color)\s*[=:]\s*"?\s*([^";]+)"#)
        .expect("a constant pattern");
    for (number, line) in text.lines().enumerate() {
        let mut say = |what: String| found.add(path, number + 1, what);
        if line.trim().is_empty() {
            say("an empty line: Markdown ends the figure here; remove it".to_owned());
        }
        for name in id
            .captures_iter(line)
            .filter(|name| !name[1].starts_with(stem))
        {
            say(format!(
                "id {}: must begin with `{stem}-`, because a page can contain several figures and \
                 their ids must not clash",
                &name[1]
            ));
        }
        for used in color
            .captures_iter(line)
            .filter(|used| !follows_theme(&used[1]))
        {
            say(format!(
                "color {}: use currentColor or a variable of the theme",
                &used[1]
            ));
        }
        if line.contains("<style") || line.contains("<script") {
            say("styles and scripts in a figure reach the whole page: remove them".to_owned());
        }
    }
}

fn follows_theme(color: &str) -> bool {
    let color = color.trim();
    matches!(color, "none" | "currentColor" | "inherit" | "transparent")
        || color.starts_with("var(--")
        || color.starts_with("url(#")
}
