//! What is asked of a page in the browser. Each function returns what is wrong, one line each.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::chromium::Chromium;

pub const THEMES: [&str; 5] = ["light", "rust", "coal", "navy", "ayu"];

/// The widths that pages are looked at: a desk, and a telephone.
pub const WIDTHS: [u32; 2] = [1280, 360];

/// Loads the page at `url`, `width` wide.
pub fn load(browser: &mut Chromium, url: &str, width: u32) -> Vec<String> {
    let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
    browser.call("Emulation.setDeviceMetricsOverride", size);
    browser.take_events();
    browser.navigate(url);
    browser.take_events().iter().filter_map(complaint).collect()
}

/// What an event tells of an error, or of a request that leaves the book.
fn complaint(event: &Value) -> Option<String> {
    let params = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(format!("an exception: {}", params["exceptionDetails"])),
        "Runtime.consoleAPICalled"
            if matches!(params["type"].as_str(), Some("error" | "assert")) =>
        {
            Some(format!("an error on the console: {}", params["args"]))
        }
        "Log.entryAdded" if params["entry"]["level"] == "error" => Some(format!(
            "an error in the log: {} {}",
            params["entry"]["text"], params["entry"]["url"]
        )),
        "Network.loadingFailed" if params["canceled"] != true => Some(format!(
            "something could not be loaded: {}",
            params["errorText"]
        )),
        "Network.requestWillBeSent" => {
            let url = params["request"]["url"].as_str()?;
            let local = ["file:", "data:", "blob:"]
                .iter()
                .any(|scheme| url.starts_with(scheme));
            (!local).then(|| format!("a request that leaves the book: {url}"))
        }
        _ => None,
    }
}

/// No part of the page lies beyond its right edge.
pub fn sideways(browser: &mut Chromium) -> Vec<String> {
    let wide = browser.evaluate(
        "(() => {
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            const wide = [...document.querySelectorAll('main *')].filter((element) =>
                element.getBoundingClientRect().right > width + 1
                && !element.closest('pre *, .table-wrapper *'));
            return [document.documentElement.scrollWidth + ' px wide: '
                + wide.slice(0, 3).map((element) => element.outerHTML.slice(0, 80)).join(', ')];
        })()",
    );
    lines(&wide)
}

pub fn set_theme(browser: &mut Chromium, theme: &str) {
    browser.evaluate(&format!(
        "document.getElementById('mdbook-theme-{theme}')?.click();
         new Promise((done) => setTimeout(() => requestAnimationFrame(done)))"
    ));
}

/// On a wide page every table shows all of its columns: nobody looks for one that is not seen.
pub fn cut_tables(browser: &mut Chromium) -> Vec<String> {
    let cut = browser.evaluate(
        "[...document.querySelectorAll('main .table-wrapper')]
            .filter((table) => table.scrollWidth > table.clientWidth + 1)
            .map((table) => `a table of ${table.scrollWidth} px in ${table.clientWidth}: `
                + table.innerText.slice(0, 60))",
    );
    lines(&cut)
}

/// What axe finds in `main` by all its rules, or on the whole page by one; `axe` is its source.
pub fn accessibility(browser: &mut Chromium, axe: &str, rule: Option<&str>) -> Vec<String> {
    if browser.evaluate("typeof axe") == "undefined" {
        browser.evaluate(&format!("{axe};null"));
    }
    let rules = rule.map_or(String::new(), |rule| format!(", runOnly: ['{rule}']"));
    let context = rule.map_or("'main'", |_| "document");
    let run = format!("axe.run({context}, {{ resultTypes: ['violations']{rules} }})");
    let found = browser.evaluate(&(run + ".then((results) =>
            results.violations.map((rule) => 'axe: ' + rule.id + ': ' + rule.help + ': '
                + rule.nodes.slice(0, 9).map((node) => node.html.slice(0, 90) + ' '
                    + (node.any[0]?.message ?? '').replace(', font size', '\\n').split('\\n')[0]).join(' | ')))"),
    );
    lines(&found)
}

/// Presses the keys that each widget names in `data-keys`, and sees that it then shows what
/// `data-shows` says.
pub fn widgets(browser: &mut Chromium) -> Vec<String> {
    let widgets = browser.evaluate(
        "[...document.querySelectorAll('[data-widget]')].map((widget) =>
            [widget.dataset.widget, widget.dataset.keys ?? '', widget.dataset.shows ?? ''])",
    );
    let mut wrong = Vec::new();
    for (number, widget) in widgets.as_array().unwrap().iter().enumerate() {
        let [name, keys, shows] = [0, 1, 2].map(|part| widget[part].as_str().unwrap().to_owned());
        let element = format!("document.querySelectorAll('[data-widget]')[{number}]");
        let text = format!("{element}.innerText.includes({})", json!(shows));
        if keys.is_empty() || shows.is_empty() {
            wrong.push(format!("widget {name} has no data-keys or no data-shows"));
            continue;
        }
        if browser.evaluate(&text) == true {
            wrong.push(format!(
                "widget {name} shows “{shows}” before a key is pressed"
            ));
        }
        let focus = format!(
            "(() => {{ const first = {element}.querySelector('button, select, input, summary, [tabindex]');
             first?.focus(); return document.activeElement === first; }})()"
        );
        if browser.evaluate(&focus) != true {
            wrong.push(format!("widget {name} has nothing that takes the focus"));
        }
        keys.split(' ').for_each(|key| press(browser, key));
        if browser.evaluate(&text) != true {
            let now = browser.evaluate(&format!("{element}.innerText"));
            wrong.push(format!(
                "widget {name} does not show “{shows}” after {keys}, but {now}"
            ));
        }
    }
    wrong
}

/// Presses and releases a key, by its name in `KeyboardEvent.key`.
pub fn press(browser: &mut Chromium, key: &str) {
    let (key, text, code) = match key {
        "Space" => (" ", " ", 32),
        "Enter" => ("Enter", "\r", 13),
        "Tab" => ("Tab", "", 9),
        "Escape" => ("Escape", "", 27),
        "End" => ("End", "", 35),
        "Home" => ("Home", "", 36),
        "ArrowLeft" => ("ArrowLeft", "", 37),
        "ArrowUp" => ("ArrowUp", "", 38),
        "ArrowRight" => ("ArrowRight", "", 39),
        "ArrowDown" => ("ArrowDown", "", 40),
        letter => (letter, letter, 0),
    };
    let down = if text.is_empty() {
        "rawKeyDown"
    } else {
        "keyDown"
    };
    for kind in [down, "keyUp"] {
        let mut event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
        if kind == "keyDown" {
            event["text"] = json!(text);
        }
        browser.call("Input.dispatchKeyEvent", event);
    }
    browser.evaluate("new Promise(requestAnimationFrame)");
}

/// Writes a picture of the whole page.
pub fn screenshot(browser: &mut Chromium, path: &Path) {
    let options = json!({ "format": "png", "captureBeyondViewport": true });
    let answer = browser.call("Page.captureScreenshot", options);
    fs::write(path, from_base64(answer["data"].as_str().unwrap())).unwrap();
}

/// Decodes base 64, RFC 4648, section 4.
fn from_base64(text: &str) -> Vec<u8> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let values = text
        .chars()
        .filter_map(|letter| LETTERS.find(letter))
        .collect::<Vec<_>>();
    let mut bytes = Vec::with_capacity(values.len() * 3 / 4);
    for four in values.chunks(4) {
        let bits = four
            .iter()
            .enumerate()
            .fold(0, |bits, (n, value)| bits | (value << (18 - 6 * n)));
        bytes.extend(
            (0..four.len() - 1).map(|n| u8::try_from((bits >> (16 - 8 * n)) & 0xff).unwrap()),
        );
    }
    bytes
}

fn lines(value: &Value) -> Vec<String> {
    value
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|line| line.as_str().map(str::to_owned))
        .collect()
}
