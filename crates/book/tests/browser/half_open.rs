//! The half-open connection, in every combination of its choices, against what Linux does. Each of these
//! times was measured between two network namespaces, but for those of keepalive with the system's times,
//! which follow from the same rules.

use serde_json::Value;

use super::timeline::{choose, combinations, told, value};
use super::*;

const CHOICES: [(&str, &[&str]); 5] = [
    (
        "event",
        &["pulled", "plugged", "stopped", "killed", "restarted"],
    ),
    ("sends", &["no", "yes"]),
    ("keepalive", &["off", "system", "soon"]),
    ("user", &["no", "yes"]),
    ("pings", &["no", "yes"]),
];

#[test]
fn the_half_open_connection_shows_what_linux_does() {
    let Some(tools) = Tools::find() else { return };
    let mut browser = Chromium::start(tools.chromium);
    let page = BOOK.rendered("19-what-changes-on-a-network");
    visit::load(&mut browser, &url(&page), 1280);
    for chosen in combinations(&CHOICES) {
        let shown = choose(&mut browser, &chosen);
        let [summary, this_end, kernel, process] = &shown[..] else {
            panic!("{chosen}: not a summary and three rows, but {shown:?}");
        };
        match known(&chosen) {
            None => told(&chosen, summary, "never knows"),
            Some((when, how)) => {
                let after = if when == "0 s" {
                    "at once".to_owned()
                } else {
                    format!("after {when}")
                };
                told(&chosen, summary, &format!("knows {after}: {how}"));
                told(&chosen, this_end, &format!("{when} {how}"));
            }
        }
        let (kernel_does, process_does) = match value(&chosen, "event") {
            "pulled" => ("ESTAB, forever", "waits in read, forever"),
            "plugged" => ("ESTAB, as before", "notices nothing"),
            "stopped" => ("answers probes", "is stopped"),
            "killed" => ("closes for it", "is gone"),
            _ => ("is gone, without a word", "listens again"),
        };
        told(&chosen, kernel, kernel_does);
        told(&chosen, process, process_does);
    }
}

/// When this end knows, and by what.
fn known(chosen: &Value) -> Option<(&'static str, &'static str)> {
    let [event, keepalive] = ["event", "keepalive"].map(|name| value(chosen, name));
    let [sends, user, pings] = ["sends", "user", "pings"].map(|name| value(chosen, name) == "yes");
    match event {
        "killed" => Some(("0 s", "end of stream")),
        "stopped" => pings.then_some(("60 s", "no pong")),
        "restarted" if sends => Some(("31 s", "ECONNRESET")),
        "restarted" if pings || keepalive == "soon" => Some(("30 s", "ECONNRESET")),
        "restarted" if keepalive == "system" => Some(("2 h", "ECONNRESET")),
        "pulled" if pings => Some(("60 s", "no pong")),
        "pulled" if sends && user => Some(("80 s", "ETIMEDOUT")),
        "pulled" if sends => Some(("15 min", "ETIMEDOUT")),
        "pulled" if keepalive == "soon" => Some(("75 s", "ETIMEDOUT")),
        "pulled" if keepalive == "system" && user => Some(("2 h 1 min", "ETIMEDOUT")),
        "pulled" if keepalive == "system" => Some(("2 h 11 min", "ETIMEDOUT")),
        _ => None,
    }
}
