//! The page around the drawings: for each failed check the reason, the drawing, and a table with
//! the same content.

use std::fmt::Write as _;

use super::drawing::draw;
use super::file;
use super::paper::{NARROW, WIDE, escape};
use super::words::in_words;
use crate::account::{Account, Arrow, Line, moment};
use crate::failure::Failure;

const STYLE: &str = include_str!("page.css");

/// What is shown for one check.
pub(super) struct Section {
    id: String,
    /// The check's position in its file, and its number among the failed checks.
    place: (usize, usize),
    test: String,
    pub html: String,
}

impl Section {
    /// Sections are in the order of the file that contains the checks, so the most instructive
    /// check comes first.
    pub fn place(&self) -> (usize, usize) {
        self.place
    }
}

/// Returns the complete file.
pub(super) fn page(name: &str, sections: &[Section]) -> String {
    let what = match name.split('-').collect::<Vec<_>>()[..] {
        [chapter, number]
            if [chapter, number]
                .iter()
                .all(|part| part.parse::<u8>().is_ok()) =>
        {
            format!("Exercise {name}")
        }
        _ => name.to_owned(),
    };
    let count = match sections.len() {
        1 => "a check failed".to_owned(),
        count => format!("{count} checks failed"),
    };
    let title = escape(&format!("{what}: {count}"));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    if sections.len() > 1 {
        out.push_str("<nav aria-label=\"Checks that failed\">\n<ul>\n");
        for Section { id, test, .. } in sections {
            let _ = writeln!(
                out,
                "<li><a href=\"#{id}\">{}</a></li>",
                escape(&in_words(test))
            );
        }
        out.push_str("</ul>\n</nav>\n");
    }
    sections
        .iter()
        .for_each(|section| out.push_str(&section.html));
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Returns the section of the check that was the `number`th to fail.
pub(super) fn section(account: &Account, number: usize) -> Section {
    let id = format!("check-{number}");
    let mut html = format!(
        "<section>\n<h2 id=\"{id}\">{}</h2>\n",
        escape(&in_words(&account.test))
    );
    if let Some(sentence) = &account.sentence {
        let _ = writeln!(html, "<div class=\"why\">\n<p>{}</p>", escape(sentence));
        if let Some(section) = &account.section {
            let _ = writeln!(html, "<p>{}</p>", escape(section));
        }
        html.push_str("</div>\n");
    }
    html.push_str("<figure>\n");
    for paper in [WIDE, NARROW] {
        html.push_str(&draw(account, paper, &format!("{id}-{}", paper.name)));
    }
    html.push_str(
        "<figcaption>Time runs downwards. Events close together are listed line by line; a longer \
         wait is dotted, and its height shows how long it was.</figcaption>\n</figure>\n",
    );
    table(&mut html, account);
    html.push_str("</section>\n");
    Section {
        id,
        place: (file::place(&account.test), number),
        test: account.test.clone(),
        html,
    }
}

/// Writes a table with a row for each thing that is drawn.
fn table(out: &mut String, account: &Account) {
    out.push_str(
        "<table>\n<caption>The same as a table</caption>\n<thead><tr><th scope=\"col\">when</th>\
         <th scope=\"col\">who</th><th scope=\"col\">what</th></tr></thead>\n<tbody>\n",
    );
    let mut said = said(account).into_iter().peekable();
    let (place, hidden) = account.hidden;
    for (index, line) in account.lines.iter().enumerate() {
        while let Some((_, row)) = said.next_if(|(at, _)| *at < line.at) {
            out.push_str(&row);
        }
        if hidden > 0 && index == place {
            out.push_str(&row("", "", &format!("… {hidden} more …"), ""));
        }
        let who = if line.who.is_empty() {
            "check"
        } else {
            &line.who
        };
        out.push_str(&row(&moment(line.at), who, &what(line), ""));
    }
    said.for_each(|(_, row)| out.push_str(&row));
    difference(out, account);
    out.push_str("</tbody>\n</table>\n");
}

/// Returns the rows about what the programs printed and how they ended, each with its time.
fn said(account: &Account) -> Vec<(std::time::Duration, String)> {
    let mut rows = Vec::new();
    for program in &account.programs {
        let name = &program.name;
        if let Some(first) = program.output.first().filter(|_| program.skipped > 0) {
            let text = format!("… {} lines before …", program.skipped);
            rows.push((first.at, row("", name, &text, "")));
        }
        for said in &program.output {
            let words = format!("prints <code>{}</code>", escape(&said.words));
            rows.push((said.at, row(&moment(said.at), name, &words, "")));
        }
        if let Some((exit, at)) = program.exit {
            rows.push((at, row(&moment(at), name, &escape(&exit.to_string()), "")));
        }
    }
    rows.sort_by_key(|(at, _)| *at);
    rows
}

fn row(when: &str, who: &str, what: &str, class: &str) -> String {
    let class = if class.is_empty() {
        String::new()
    } else {
        format!(" class=\"{class}\"")
    };
    format!("<tr{class}><td>{when}</td><td>{who}</td><td>{what}</td></tr>\n")
}

fn what(line: &Line) -> String {
    let words = escape(&line.words);
    let verb = line.arrow.map_or("", Arrow::verb);
    if line.remark.is_empty() {
        return format!("{verb}{words}");
    }
    let remark = escape(&line.remark);
    format!("{verb}<code>{words}</code> <span class=\"remark\">({remark})</span>")
}

fn difference(out: &mut String, account: &Account) {
    let Failure {
        expected,
        got,
        mark,
        ..
    } = &account.failure;
    let expected = format!("<code>{}</code>", escape(expected));
    out.push_str(&row("", "expected", &expected, "good"));
    let mut shown = format!("<code>{}</code>", escape(got));
    if let Some(mark) = mark {
        let (before, width, note) = &**mark;
        let part = |skip: usize, take: usize| -> String {
            escape(&got.chars().skip(skip).take(take).collect::<String>())
        };
        let (lead, rest) = (part(0, *before), part(before + width, usize::MAX));
        // If nothing more arrived, the mark is placed after what did.
        let wrong = part(*before, *width);
        let wrong = if wrong.is_empty() {
            " ".to_owned()
        } else {
            wrong
        };
        shown = format!(
            "<code>{lead}<mark>{wrong}</mark>{rest}</code> <span class=\"note\">{}</span>",
            escape(note)
        );
    }
    out.push_str(&row(&moment(account.failed), "got", &shown, "bad"));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the relative luminance of a color, as WCAG 2.1 defines it.
    fn luminance(color: &str) -> f64 {
        let part = |at: usize| {
            let value = u8::from_str_radix(&color[at..at + 2], 16).unwrap();
            let value = f64::from(value) / 255.0;
            if value <= 0.03928 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    #[test]
    fn what_is_read_stands_out_by_day_and_by_night() {
        for theme in STYLE
            .split("color-scheme: dark")
            .map(|part| part.split('}').next().unwrap())
        {
            let color = |name: &str| {
                let (_, rest) = theme.split_once(&format!("--peer-{name}: ")).unwrap();
                luminance(rest.split_once(';').unwrap().0)
            };
            for ground in ["ground", "card"] {
                for name in ["fg", "dim", "sent", "got", "good", "bad", "signal"] {
                    let (one, other) = (color(name), color(ground));
                    let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                    assert!(contrast >= 4.5, "{name} on {ground}: {contrast:.2}");
                }
            }
        }
    }
}
