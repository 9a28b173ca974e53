//! Reads `docs/src/appendix-errno.md`: its index, and the entries with what they list.

use std::path::Path;

/// The page, as far as it can be compared.
pub struct Page {
    /// The rows of the table that goes from number to name.
    pub index: Vec<String>,
    pub entries: Vec<Entry>,
}

/// What stands under a heading of the third level.
pub struct Entry {
    pub name: String,
    /// The first paragraph: message, number, exception, kind.
    pub facts: String,
    /// Its list, each item up to its colon.
    pub listed: Vec<String>,
}

pub fn read() -> Page {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/appendix-errno.md");
    let text = std::fs::read_to_string(path).unwrap();
    let index = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("](#"))
        .map(str::to_owned)
        .collect();
    let sections = text.split("\n#").filter_map(|s| s.strip_prefix("## "));
    Page {
        index,
        entries: sections.map(entry).collect(),
    }
}

fn entry(section: &str) -> Entry {
    let paragraphs: Vec<_> = section.split("\n\n").map(str::trim).collect();
    let items = paragraphs.iter().filter(|text| text.starts_with("- "));
    let items = items.flat_map(|list| list.split("\n- "));
    Entry {
        name: paragraphs[0].to_owned(),
        facts: paragraphs[1].replace('\n', " "),
        listed: items.map(situation).collect(),
    }
}

fn situation(item: &str) -> String {
    let words: Vec<_> = item.trim_start_matches("- ").split_whitespace().collect();
    let item = words.join(" ");
    item.split(": ").next().unwrap_or_default().to_owned()
}
