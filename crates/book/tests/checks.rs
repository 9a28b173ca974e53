//! Each check of `cargo book` finds its mistake, by file and line, in a small book that has no other.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

const CHAPTER: &str = r#"# Is it a chapter?

See [below](#a-section), [the end](02-end.md#its-heading), [a file](../../program.rs).

## A section

[`program.rs`](../../program.rs)

```rust
{{#include ../../program.rs:main}}
```

<figure>
{{#include figures/bar.svg}}
<figcaption>A bar.</figcaption>
</figure>

## Exercises

- [One](../../exercises/01_chapter/01_one/)

## Check yourself

<details>
<summary>One?</summary>
</details>
<details>
<summary>Two?</summary>
</details>
<details>
<summary>Three?</summary>
</details>

## Where this is used

[Elsewhere](https://example.org/).
"#;

const FILES: [(&str, &str); 10] = [
    ("docs/book.toml", "[book]\ntitle = \"A book\"\n"),
    (
        "docs/src/SUMMARY.md",
        "- [One](01-chapter.md)\n- [Draft]()\n\n[End](02-end.md)\n[P](appendix-promises.md)\n",
    ),
    ("docs/src/01-chapter.md", CHAPTER),
    ("docs/src/02-end.md", ""),
    (
        "docs/src/appendix-promises.md",
        "# P\n\n| promise | test |\n|---|---|\n| a | `it_holds` |\n",
    ),
    (
        "docs/src/figures/bar.svg",
        "<svg viewBox=\"0 0 40 4\" role=\"img\" aria-labelledby=\"bar-title bar-desc\">\n\
         <title id=\"bar-title\">Bar</title>\n<desc id=\"bar-desc\">A bar.</desc>\n\
         <path d=\"M0 0H9\" stroke=\"currentColor\"/>\n</svg>\n",
    ),
    (
        "program.rs",
        "// ANCHOR: main\nfn main() {}\n// ANCHOR_END: main\n",
    ),
    ("crates/a/tests/pair.rs", "#[test]\nfn it_holds() {}\n"),
    (
        "exercises/01_chapter/01_one/README.md",
        "# One\n\n[1](../../../docs/src/01-chapter.md#a-section)\n",
    ),
    (
        "exercises/01_chapter/01_one/tests/check.rs",
        "x.or_explain(\n    \"Why.\",\n    \"01-chapter.html#a-section\",\n);\n",
    ),
];

struct Workspace(tempfile::TempDir);

impl Workspace {
    fn sound() -> Workspace {
        let workspace = Workspace(tempfile::tempdir().unwrap());
        for (path, text) in FILES {
            workspace.write(path, text);
        }
        workspace.write(
            "docs/src/02-end.md",
            &CHAPTER.replace("A section", "Its heading"),
        );
        workspace.replace("docs/src/02-end.md", "[below](#a-section), ", "");
        workspace.replace("docs/src/02-end.md", "01_chapter/01_one", "02_end/01_two");
        workspace.write("exercises/02_end/01_two/README.md", "# Two\n");
        workspace.write("exercises/02_end/01_two/Cargo.toml", "");
        workspace.write("exercises/01_chapter/01_one/Cargo.toml", "");
        workspace
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn replace(&self, path: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.0.path().join(path)).unwrap();
        assert!(text.contains(old), "{path} does not hold {old}");
        self.write(path, &text.replace(old, new));
    }

    #[track_caller]
    fn expect(&self, problems: &[&str]) {
        let output = cargo_book(self.0.path()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.lines().collect::<Vec<_>>(), problems);
        assert_eq!(output.status.code(), Some(i32::from(!problems.is_empty())));
    }
}

fn cargo_book(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_book"));
    command.arg(root);
    command
}

/// The mistake made in a file of a sound book, and what is said of it.
#[track_caller]
fn mistake(file: &str, old: &str, new: &str, problems: &[&str]) {
    let workspace = Workspace::sound();
    workspace.replace(file, old, new);
    workspace.expect(problems);
}

#[test]
fn a_sound_book_is_built_and_its_first_page_named() {
    let workspace = Workspace::sound();
    workspace.expect(&[]);
    let index = fs::canonicalize(workspace.0.path())
        .unwrap()
        .join("docs/book/index.html");
    cargo_book(workspace.0.path())
        .assert()
        .stdout(format!("{}\n", index.display()));
    assert!(
        fs::read_to_string(index)
            .unwrap()
            .contains("Is it a chapter?")
    );
}

#[test]
fn a_book_that_cannot_be_built_is_an_error() {
    let workspace = Workspace::sound();
    workspace.write("docs/book.toml", "[book\n");
    cargo_book(workspace.0.path()).assert().code(1);
}

#[test]
fn an_include_of_a_missing_file_is_found() {
    mistake(
        "docs/src/01-chapter.md",
        "program.rs:main",
        "absent.rs:main",
        &[
            "docs/src/01-chapter.md:10: cannot include ../../absent.rs: No such file or directory (os error 2): \
         correct the path, relative to docs/src",
        ],
    );
}

#[test]
fn an_include_of_a_missing_anchor_is_found() {
    mistake(
        "docs/src/01-chapter.md",
        "program.rs:main",
        "program.rs:serve",
        &[
            "docs/src/01-chapter.md:10: ../../program.rs has no “ANCHOR: serve”: add it, or correct the name here",
        ],
    );
}

#[test]
fn an_anchor_that_does_not_end_is_found() {
    mistake(
        "program.rs",
        "// ANCHOR_END: main\n",
        "",
        &[
            "docs/src/01-chapter.md:10: ../../program.rs has no “ANCHOR_END: main”: add it, or correct the name here",
            "docs/src/02-end.md:10: ../../program.rs has no “ANCHOR_END: main”: add it, or correct the name here",
        ],
    );
}

#[test]
fn an_include_by_lines_is_found() {
    mistake(
        "docs/src/01-chapter.md",
        "program.rs:main",
        "program.rs:1:2",
        &[
            "docs/src/01-chapter.md:10: ../../program.rs:1:2 includes by line, which drifts: \
         put an ANCHOR into ../../program.rs",
        ],
    );
}

#[test]
fn a_pasted_listing_is_found() {
    let pasted = "fn a() {\n    b();\n    c();\n}";
    mistake(
        "docs/src/01-chapter.md",
        "{{#include ../../program.rs:main}}",
        pasted,
        &[
            "docs/src/01-chapter.md:9: a pasted listing of 4 lines: put it into a program that is compiled and \
         {{#include}} it by anchor",
        ],
    );
}

#[test]
fn a_listing_that_does_not_name_its_file_is_found() {
    mistake(
        "docs/src/01-chapter.md",
        "[`program.rs`](../../program.rs)\n",
        "The first paragraph has a link, and this one has none.\n",
        &[
            "docs/src/01-chapter.md:9: a listing that doesn't name its file: write \
             [`program.rs`](../../program.rs) above it, as a paragraph of its own",
        ],
    );
}

#[test]
fn a_dead_link_is_found() {
    mistake(
        "docs/src/01-chapter.md",
        "[a file](../../program.rs)",
        "[a file](../../programs.rs)",
        &["docs/src/01-chapter.md:3: ../../programs.rs is not there: correct the path"],
    );
}

#[test]
fn a_link_to_a_page_that_the_book_does_not_have_is_found() {
    mistake(
        "docs/src/01-chapter.md",
        "02-end.md#its-heading",
        "03-later.md",
        &[
            "docs/src/01-chapter.md:3: there is no page 03-later.md in docs/src/SUMMARY.md: correct the name, \
         or add the page",
        ],
    );
}

#[test]
fn a_wrong_anchor_of_a_page_is_found() {
    mistake(
        "docs/src/01-chapter.md",
        "02-end.md#its-heading",
        "02-end.md#the-heading",
        &[
            "docs/src/01-chapter.md:3: docs/src/02-end.md has no heading with the anchor #the-heading: \
         did you mean #its-heading?",
        ],
    );
}

#[test]
fn a_wrong_anchor_in_the_readme_of_an_exercise_is_found() {
    mistake(
        "exercises/01_chapter/01_one/README.md",
        "#a-section",
        "#no-section",
        &[
            "exercises/01_chapter/01_one/README.md:3: docs/src/01-chapter.md has no heading with the anchor \
         #no-section: did you mean #a-section?",
        ],
    );
}

#[test]
fn a_wrong_anchor_in_what_a_check_explains_is_found() {
    mistake(
        "exercises/01_chapter/01_one/tests/check.rs",
        "#a-section",
        "#gone",
        &[
            "exercises/01_chapter/01_one/tests/check.rs:3: docs/src/01-chapter.md has no heading with the \
         anchor #gone: correct it, or add the heading",
        ],
    );
}

#[test]
fn a_wrong_anchor_in_a_file_beside_a_check_is_found() {
    let workspace = Workspace::sound();
    let beside = "exercises/01_chapter/01_one/tests/gallery/mod.rs";
    workspace.write(beside, "const SECTION: &str = \"01-chapter.html#gone\";\n");
    workspace.expect(&[
        "exercises/01_chapter/01_one/tests/gallery/mod.rs:1: docs/src/01-chapter.md has no heading with \
         the anchor #gone: correct it, or add the heading",
    ]);
}

#[test]
fn a_chapter_without_a_section_is_found() {
    mistake(
        "docs/src/01-chapter.md",
        "## Where this is used\n",
        "",
        &["docs/src/01-chapter.md:1: no section “## Where this is used”: every chapter has one"],
    );
}

#[test]
fn a_chapter_that_asks_too_little_is_found() {
    mistake(
        "docs/src/01-chapter.md",
        "<summary>Two?</summary>",
        "",
        &["docs/src/01-chapter.md:22: 2 questions: write at least 3, answers in <details>"],
    );
}

#[test]
fn a_verdict_in_words_that_no_check_has_is_found() {
    let verdict = |sentence: &str| {
        format!(
            "```text\n    0.1 ms  peer  closes\n 1000.2 ms  peer <- \"x\"\n           expected   y\n \
             {sentence}\n Chapter 1: docs/src/01-chapter.md, \"A section\"\n \
             The same as a picture: target/learn/01-01.html\n```\n\n## A section\n"
        )
    };
    mistake(
        "docs/src/01-chapter.md",
        "## A section\n",
        &verdict("Because."),
        &[
            "docs/src/01-chapter.md:5: no check has the explanation in this verdict: paste its \
             current text",
        ],
    );
    mistake(
        "docs/src/01-chapter.md",
        "## A section\n",
        &verdict("Why."),
        &[],
    );
    // What a check keeps in files beside its own is said by it, too.
    let workspace = Workspace::sound();
    let beside = "exercises/01_chapter/01_one/tests/gallery/mod.rs";
    workspace.write(beside, "const TOLD: &str = \"Because.\";\n");
    let page = "docs/src/01-chapter.md";
    workspace.replace(page, "## A section\n", &verdict("Because."));
    workspace.expect(&[]);
}

#[test]
fn an_exercise_that_no_chapter_mentions_is_found() {
    let workspace = Workspace::sound();
    workspace.write("exercises/01_chapter/02_more/Cargo.toml", "");
    workspace.write("exercises/01_chapter/02_more/README.md", "# More\n");
    workspace.expect(&[
        "exercises/01_chapter/02_more/README.md:1: chapter 1 does not mention this exercise: link to \
         ../../exercises/01_chapter/02_more/ there",
    ]);
}

#[test]
fn a_chapter_without_an_exercise_is_found() {
    let workspace = Workspace::sound();
    workspace.replace(
        "docs/src/02-end.md",
        "- [One](../../exercises/02_end/01_two/)",
        "None.",
    );
    fs::remove_dir_all(workspace.0.path().join("exercises/02_end")).unwrap();
    workspace.expect(&[
        "docs/src/02-end.md:1: a chapter without an exercise: link to its folder under exercises/",
    ]);
}

#[test]
fn a_figure_in_colors_of_its_own_is_found() {
    mistake(
        "docs/src/figures/bar.svg",
        "currentColor",
        "#fff",
        &["docs/src/figures/bar.svg:4: color #fff: use currentColor or a variable of the theme"],
    );
}

#[test]
fn a_figure_that_markdown_would_cut_is_found() {
    mistake(
        "docs/src/figures/bar.svg",
        "</desc>",
        "</desc>\n",
        &["docs/src/figures/bar.svg:4: an empty line: Markdown ends the figure here; remove it"],
    );
}

#[test]
fn a_crate_that_is_not_on_the_map_or_no_longer_there_is_found() {
    let workspace = Workspace::sound();
    workspace.replace(
        "docs/src/SUMMARY.md",
        "[P](appendix-promises.md)\n",
        "[P](appendix-promises.md)\n[H](house-map.md)\n",
    );
    workspace.write("docs/src/house-map.md", "# H\n\n[a](../../crates/a)\n");
    workspace.expect(&[]);
    workspace.write("docs/src/house-map.md", "# H\n\n[b](../../crates/b)\n");
    workspace.expect(&[
        "docs/src/house-map.md:1: the map lacks ../../crates/a: say what this crate is for",
        "docs/src/house-map.md:3: ../../crates/b is not there: correct the path",
    ]);
}

#[test]
fn a_promise_without_its_test_is_found() {
    mistake(
        "docs/src/appendix-promises.md",
        "`it_holds`",
        "`it_stays`",
        &[
            "docs/src/appendix-promises.md:5: no test in crates/*/tests is called it_stays: correct the name",
        ],
    );
}
