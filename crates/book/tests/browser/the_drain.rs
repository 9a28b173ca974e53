//! The drain, in every combination of its choices, against what the servers promise. That they keep
//! it is held by `crates/pair-tests/tests/pair/drain.rs` and `backlog.rs`.

use serde_json::Value;

use super::timeline::{choose, combinations, told, value};
use super::*;

const CHOICES: [(&str, &[&str]); 4] = [
    ("listener", &["tcp", "unix", "inherited"]),
    ("answer", &["1", "3", "8"]),
    ("rest", &["never", "before", "after"]),
    ("second", &["never", "0.1", "2"]),
];

/// `--drain-timeout` in the widget.
const DEADLINE: f64 = 5.0;

#[test]
fn the_drain_shows_what_the_servers_promise() {
    let Some(tools) = Tools::find() else { return };
    let mut browser = Chromium::start(tools.chromium);
    let page = BOOK.rendered("14-how-to-stop");
    visit::load(&mut browser, &url(&page), 1280);
    for chosen in combinations(&CHOICES) {
        let shown = choose(&mut browser, &chosen);
        compare(&chosen, &shown);
    }
}

fn compare(chosen: &Value, shown: &[String]) {
    let [summary, listener, server, idle, working, half, queued, late] = shown else {
        panic!("{chosen}: not a summary and seven rows, but {shown:?}");
    };
    let told = |row: &str, words: &str| told(chosen, row, words);
    let ready: f64 = value(chosen, "answer").parse().unwrap();
    let second: f64 = value(chosen, "second").parse().unwrap_or(f64::MAX);
    let patience = if second < 0.2 {
        DEADLINE
    } else {
        second.min(DEADLINE)
    };
    let (end, code) = if ready <= patience {
        (ready, 0)
    } else {
        (patience, 3)
    };

    told(summary, &format!("Exit code {code} after {end} s."));
    told(server, &format!("{end} s "));
    told(server, &format!("exit code {code}"));
    assert_eq!(second < 0.2, server.contains("sent twice"), "{chosen}");
    told(idle, "0 s end of stream");
    told(working, &format!("{end} s "));
    told(
        working,
        ["no answer", "its answer, then end of stream"][usize::from(code == 0)],
    );
    match value(chosen, "rest") {
        "before" => told(half, "0 s its answer, then end of stream"),
        _ => told(half, "0 s Error 7, Draining, then end of stream"),
    }
    let next = end + 0.5;
    match value(chosen, "listener") {
        "inherited" => {
            told(listener, "stays open");
            told(queued, &format!("{next} s accepted by the next run"));
            told(late, "0.5 s connected");
            told(late, &format!("{next} s accepted by the next run"));
        }
        own => {
            told(listener, &format!("{next} s the next run’s"));
            told(queued, "0 s ECONNRESET");
            told(
                late,
                if own == "tcp" {
                    "0.5 s ECONNREFUSED"
                } else {
                    "0.5 s ENOENT"
                },
            );
        }
    }
}
