//! The pictures in a real browser: axe finds nothing in them, by day and by night, on a desk and on a
//! telephone, and no part of them lies beyond the right edge.
//!
//! Chromium is looked for as `$CHROMIUM` or in `PATH`, and axe-core as `$AXE_CORE` or as
//! `target/axe-core/package/axe.min.js`, as by the book's tests. What is missing is said, and with `CI`
//! set it is a failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{failed, tcp};
use scripted_peer::{Folder, Listener, Peer, Signal, folder, frame};

const SOON: Duration = Duration::from_millis(300);

/// Runs axe, and leaves what it found, and whether the page is too wide, in the page's title.
const SCRIPT: &str = "<script>
axe.run('main', { resultTypes: ['violations'] }).then((results) => {
    const found = results.violations.map((rule) => rule.id + ': '
        + rule.nodes.slice(0, 3).map((node) => node.html.slice(0, 90)).join(' | '));
    const page = document.documentElement;
    if (page.scrollWidth > page.clientWidth) found.push('sideways: ' + page.scrollWidth);
    document.title = 'RESULT ' + JSON.stringify(found) + ' RESULT';
}, (error) => { document.title = 'RESULT ' + error + ' RESULT'; });
</script>";

#[test]
fn pictures_are_sound_in_a_browser() {
    let (Some(chromium), Some(axe)) = (chromium(), axe()) else {
        return;
    };
    let folder = folder();
    let page = folder.join("page.html");
    fs::write(
        &page,
        pictures().replace("</main>", &format!("</main><script>{axe}</script>{SCRIPT}")),
    )
    .unwrap();
    for width in [1000, 400] {
        for scheme in [1, 0] {
            let found = look_at(&chromium, &folder, &page, (width, scheme));
            assert_eq!(found, "[]", "{width} px, preferredColorScheme {scheme}");
        }
    }
}

/// One page of several pictures: as the file has it, but of these checks alone.
fn pictures() -> String {
    let drip = failed(|| {
        let server = tcp("one-read");
        let mut peer = server.connect();
        peer.drip(&frame("hello")[..5]);
        peer.expect(frame("hello"))
            .or_explain("Keep reading.", "04-a.html#b");
    });
    let refusal = failed(|| drop(Peer::try_connect(Listener::refusing().address())));
    let several = failed(|| {
        let server = tcp("frames");
        let mut peers = server.connect_many(3);
        server.signal(Signal::CONT);
        peers[1].patience(SOON).expect("hello");
    });
    let failed = [drip.unwrap(), refusal.unwrap(), several.unwrap()];
    let last = failed[2].text.lines().last().unwrap();
    let file = last.strip_prefix(" The same as a picture: ").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    let page = fs::read_to_string(root.join(file)).unwrap();
    let head = page.split_once("<h1>").unwrap().0;
    let sections: String = failed
        .iter()
        .map(|failed| failed.picture.as_str())
        .collect();
    format!("{head}<h1>Pictures</h1>{sections}</main></body></html>")
}

fn look_at(chromium: &Path, folder: &Folder, page: &Path, (width, scheme): (u32, u32)) -> String {
    let browser = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--dump-dom",
            "--virtual-time-budget=20000",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ])
        .arg(format!("--window-size={width},900"))
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .arg(format!("file://{}", page.display()))
        .stderr(Stdio::null())
        .output();
    let text = String::from_utf8_lossy(&browser.unwrap().stdout).into_owned();
    let result = text.split_once("<title>RESULT ");
    let result = result.and_then(|(_, rest)| rest.split_once(" RESULT</title>"));
    result.map_or_else(
        || format!("no result: {text:.400}"),
        |(found, _)| found.to_owned(),
    )
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let places =
        std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let found = named.or_else(|| places.into_iter().find(|place| place.is_file()));
    found.or_else(|| missing("Chromium (set CHROMIUM to its path)"))
}

fn axe() -> Option<String> {
    let program = std::env::current_exe().unwrap();
    let own = program
        .ancestors()
        .nth(3)
        .unwrap()
        .join("axe-core/package/axe.min.js");
    let path = std::env::var_os("AXE_CORE").map_or(own, PathBuf::from);
    let missing = || {
        missing(&format!(
            "axe-core at {} (npm pack axe-core@4)",
            path.display()
        ))
    };
    fs::read_to_string(&path).ok().or_else(missing)
}

fn missing<T>(what: &str) -> Option<T> {
    eprintln!("not checked: there is no {what}");
    assert!(std::env::var_os("CI").is_none(), "CI must have {what}");
    None
}
