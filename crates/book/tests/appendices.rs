//! The appendices know what the crates have.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

fn read(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    fs::read_to_string(root.join(name)).unwrap()
}

/// The functions and constants that pocket-socket offers.
fn pocket_socket() -> BTreeSet<String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pocket-socket/src");
    let name =
        Regex::new(r"(?m)^(?:    )?pub fn (\w+)|^pub const (\w+)|^    ([A-Z]\w*_\w+): \w+Level")
            .unwrap();
    let own = ["bits", "contains", "ip", "path", "port", "value"]; // of types that Python has not
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(sources).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for found in name.captures_iter(&text) {
            names.insert(
                found
                    .iter()
                    .skip(1)
                    .flatten()
                    .next()
                    .unwrap()
                    .as_str()
                    .to_owned(),
            );
        }
    }
    names.retain(|name| !own.contains(&name.as_str()));
    names
}

#[test]
fn the_table_of_python_has_every_name_of_pocket_socket() {
    let names = pocket_socket();
    assert!(
        names.contains("recv_into") && names.contains("AF_UNIX") && names.contains("TCP_NODELAY")
    );
    let page = read("docs/src/appendix-python-socket.md");
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/src/appendix-python-socket.md does not have {missing:?}"
    );
}

/// What the second column says that is no name: pocket-socket's own examples try them.
const EXPRESSIONS: [&str; 5] = [
    "Socket::from(owned_fd)",
    "OwnedFd::from(s)",
    "BufReader::new(&s)",
    "BufWriter::new(&s)",
    "try_clone_to_owned",
];

#[test]
fn the_table_of_python_names_nothing_that_pocket_socket_lacks() {
    let names = pocket_socket();
    let page = read("docs/src/appendix-python-socket.md");
    let examples = ["socket.rs", "streams.rs"].map(|file| {
        let path = format!("crates/pocket-socket/src/{file}");
        read(&path)
    });
    for expression in EXPRESSIONS {
        let tried = examples.iter().any(|text| text.contains(expression));
        assert!(tried, "no example of pocket-socket has {expression}");
    }
    let name = Regex::new("`([^`]+)`").unwrap();
    for row in page
        .lines()
        .filter(|line| line.matches(" | ").count() == 3 && !line.contains("---"))
    {
        let cell = row.split('|').nth(2).unwrap();
        if cell.trim() == "`pocket_socket`" {
            continue;
        }
        for found in name.captures_iter(cell) {
            assert!(
                names.contains(&found[1]) || EXPRESSIONS.contains(&&found[1]),
                "pocket_socket has no {}: {row}",
                &found[1]
            );
        }
    }
}

/// Each term of the glossary, with the page where its entry says that it is met: its last link.
fn glossary() -> Vec<(String, String)> {
    let page = read("docs/src/appendix-glossary.md");
    let entries = page.split("\n- **").skip(1);
    let link = Regex::new(r"\]\(([\w-]+\.md)").unwrap();
    let entry = |text: &str| {
        let (term, meaning) = text.split_once("**: ").unwrap();
        let links = link.captures_iter(meaning).last();
        let page = links.unwrap_or_else(|| panic!("{term}: link the page where it is met"));
        (term.to_owned(), page[1].to_owned())
    };
    entries.map(entry).collect()
}

#[test]
fn each_term_of_the_glossary_is_met_where_its_link_leads() {
    let terms = glossary();
    assert!(terms.len() > 40, "{} terms", terms.len());
    let mut wrong = Vec::new();
    for (term, page) in terms {
        let text = read(&format!("docs/src/{page}")).to_lowercase();
        let words: Vec<_> = text.split_whitespace().collect();
        if !words.join(" ").contains(&term.to_lowercase()) {
            wrong.push(format!("{page} does not say “{term}”"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_glossary_goes_by_the_alphabet() {
    let terms: Vec<_> = glossary()
        .into_iter()
        .map(|(term, _)| term.to_lowercase())
        .collect();
    assert!(terms.is_sorted(), "{terms:?}");
}
