//! The book in a real browser, from files, as a reader opens it. Pictures of each page are left in
//! `target/book/`.
//!
//! Chromium is looked for as `$CHROMIUM` or in `PATH`; axe-core as `$AXE_CORE`, or as
//! `target/axe-core/package/axe.min.js`, where `cd target/axe-core && npm pack axe-core@4 && tar xzf
//! axe-core-*.tgz` puts it. What is missing is told, and with `CI` set it is a failure.

mod chromium;
mod half_open;
mod the_drain;
mod timeline;
mod visit;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use book::Book;
use chromium::Chromium;
use tempfile::TempDir;
use visit::{THEMES, WIDTHS};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

/// Built once: a test must not find the pages while another writes them.
static BOOK: LazyLock<Book> = LazyLock::new(|| Book::build(root()).unwrap());

/// What the tests need and this machine may lack.
struct Tools {
    chromium: PathBuf,
    axe: Option<String>,
}

impl Tools {
    fn find() -> Option<Tools> {
        let chromium = chromium::find();
        if chromium.is_none() {
            missing("Chromium (set CHROMIUM to its path)");
        }
        Some(Tools {
            chromium: chromium?,
            axe: axe(),
        })
    }
}

fn target() -> PathBuf {
    std::env::current_exe()
        .unwrap()
        .ancestors()
        .nth(3)
        .unwrap()
        .to_owned()
}

fn axe() -> Option<String> {
    let own = target().join("axe-core/package/axe.min.js");
    let path = std::env::var_os("AXE_CORE").map_or(own, PathBuf::from);
    let source = fs::read_to_string(&path).ok();
    if source.is_none() {
        missing(&format!(
            "axe-core at {} (npm pack axe-core@4)",
            path.display()
        ));
    }
    source
}

fn missing(what: &str) {
    eprintln!("not checked: there is no {what}");
    assert!(std::env::var_os("CI").is_none(), "CI must have {what}");
}

fn url(path: &Path) -> String {
    format!("file://{}", path.display())
}

#[test]
fn every_page_is_sound_in_a_browser() {
    let Some(tools) = Tools::find() else { return };
    let book = &*BOOK;
    let pictures = pictures();
    let mut browser = Chromium::start(tools.chromium);
    let mut wrong = Vec::new();
    for page in &book.pages {
        let file = book.rendered(page.stem());
        wrong.extend(look_at(
            &mut browser,
            &file,
            tools.axe.as_deref(),
            &pictures,
        ));
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Whatever Markdown can bring, before a chapter does.
#[test]
fn the_themes_can_be_read() {
    let Some(tools) = Tools::find() else { return };
    let (_folder, book) = book_of("specimen", include_str!("specimen.md"));
    let mut browser = Chromium::start(tools.chromium);
    let page = book.rendered("specimen");
    let wrong = look_at(&mut browser, &page, tools.axe.as_deref(), &pictures());
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// A book of one page, with the themes, widgets and figures of ours.
fn book_of(name: &str, text: &str) -> (TempDir, Book) {
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    fs::create_dir_all(docs.join("src")).unwrap();
    for name in ["book.toml", "theme", "widgets", "src/figures"] {
        let ours = root().join("docs").join(name);
        if ours.exists() {
            std::os::unix::fs::symlink(ours, docs.join(name)).unwrap();
        }
    }
    let summary = format!("[A page]({name}.md)\n");
    fs::write(docs.join("src/SUMMARY.md"), summary).unwrap();
    fs::write(docs.join("src").join(name).with_extension("md"), text).unwrap();
    let book = Book::build(folder.path()).unwrap();
    (folder, book)
}

/// Looks at a page at each width, in each theme; returns what is wrong.
fn look_at(browser: &mut Chromium, file: &Path, axe: Option<&str>, pictures: &Path) -> Vec<String> {
    let name = file.file_stem().unwrap().to_str().unwrap();
    let mut wrong = Vec::new();
    for width in WIDTHS {
        let mut found = visit::load(browser, &url(file), width);
        found.extend(visit::sideways(browser));
        if width == WIDTHS[0] {
            found.extend(visit::cut_tables(browser));
        }
        for theme in ["light", "navy"] {
            visit::set_theme(browser, theme);
            visit::screenshot(
                browser,
                &pictures.join(format!("{name}-{theme}-{width}.png")),
            );
        }
        found.extend(visit::widgets(browser));
        // A theme changes colors and nothing else, and the width does not change colors.
        for (number, theme) in THEMES.iter().enumerate() {
            let Some(axe) = axe.filter(|_| number == 0 || width == WIDTHS[0]) else {
                break;
            };
            visit::set_theme(browser, theme);
            let rule = (number > 0).then_some("color-contrast");
            let found_by_axe = visit::accessibility(browser, axe, rule);
            found.extend(found_by_axe.iter().map(|what| format!("{theme}: {what}")));
        }
        wrong.extend(
            found
                .iter()
                .map(|what| format!("{name} at {width} px: {what}")),
        );
    }
    wrong
}

/// Where the pictures go.
fn pictures() -> PathBuf {
    let folder = target().join("book");
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn the_search_works_from_files() {
    let Some(tools) = Tools::find() else { return };
    let book = &*BOOK;
    let mut browser = Chromium::start(tools.chromium);
    visit::load(&mut browser, &url(&book.out.join("index.html")), 1280);
    visit::press(&mut browser, "s");
    "preamble"
        .chars()
        .for_each(|letter| visit::press(&mut browser, &letter.to_string()));
    let found = browser.evaluate(
        "new Promise((done) => {
            const results = document.getElementById('mdbook-searchresults');
            const look = () => { if (results.children.length) done(results.innerText); };
            new MutationObserver(look).observe(results, { childList: true });
            look();
            setTimeout(() => done('nothing'), 20000);
        })",
    );
    let found = found.as_str().unwrap();
    assert!(found.contains("wire format"), "the search found: {found}");
}

/// A page on which everything is wrong that the tests look for.
const BAD: &str = r##"<!DOCTYPE html><html lang="en"><title>Bad</title><main>
<h1>Bad</h1><p style="color: #ddd; background: #fff">Hardly seen.</p><img src="https://example.org/x.png" alt="">
<div style="width: 2000px">Wide</div>
<div class="table-wrapper" style="overflow-x: auto"><table><tr><td style="min-width: 900px">Cut</td></tr></table></div>
<div data-widget="deaf" data-keys="Enter" data-shows="heard"><button>Say</button></div>
<div data-widget="eager" data-keys="Enter" data-shows="done"><button>done</button></div>
<div data-widget="silent"></div>
</main><nav style="color: #ddd; background: #fff">Outside</nav><script>console.error("on the console"); throw new Error("thrown");</script></html>"##;

#[test]
fn a_bad_page_is_found_out() {
    let Some(tools) = Tools::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("bad.html");
    fs::write(&page, BAD).unwrap();
    let mut browser = Chromium::start(tools.chromium);
    let mut found = visit::load(&mut browser, &url(&page), 360);
    found.extend(visit::sideways(&mut browser));
    found.extend(visit::cut_tables(&mut browser));
    found.extend(visit::widgets(&mut browser));
    if let Some(axe) = &tools.axe {
        found.extend(visit::accessibility(&mut browser, axe, None));
        let contrast = visit::accessibility(&mut browser, axe, Some("color-contrast"));
        found.extend(contrast.iter().map(|what| format!("everywhere: {what}")));
    }
    let found = found.join("\n");
    let mut wanted = vec![
        "on the console",
        "thrown",
        "leaves the book: https://example.org/x.png",
        "px wide: <div style=\"width: 2000px\">",
        "a table of 9",
        "widget deaf does not show “heard”",
        "widget eager shows “done” before",
        "widget silent has no data-keys",
    ];
    if tools.axe.is_some() {
        wanted.extend(["axe: color-contrast", "Outside</nav>"]);
    }
    for what in wanted {
        assert!(
            found.contains(what),
            "“{what}” was not found, but:\n{found}"
        );
    }
}
