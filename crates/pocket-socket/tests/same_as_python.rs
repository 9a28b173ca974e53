//! One table of scenarios, played through this crate and through `python3`'s own `socket`: each
//! step must end alike, errors by the name of their errno.
//!
//! The table is `same_as_python/table.txt`; it says how it is read.
#![cfg(target_os = "linux")] // the players use what only Linux has: abstract names, SO_PEERCRED

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

#[path = "same_as_python/addresses.rs"]
mod addresses;
#[path = "same_as_python/constants.rs"]
mod constants;
#[path = "same_as_python/create.rs"]
mod create;
#[path = "same_as_python/messages.rs"]
mod messages;
#[path = "same_as_python/options.rs"]
mod options;
#[path = "same_as_python/player.rs"]
mod player;
#[path = "same_as_python/words.rs"]
mod words;

mod skipped;

/// Longer than the slowest scenario needs by far.
const PATIENCE: Duration = Duration::from_secs(60);

struct Step {
    scenario: String,
    text: String,
    expected: String,
}

impl Step {
    fn mentions_ipv6(&self) -> bool {
        self.text.contains("AF_INET6") || self.text.contains("::1")
    }
}

#[test]
fn every_step_ends_as_in_python() {
    let steps = table();
    let scenarios = steps.chunk_by(|a, b| a.scenario == b.scenario).count();
    assert!(scenarios >= 40, "only {scenarios} scenarios");
    let python = std::thread::spawn(play_in_python);
    let ours: Vec<String> = steps
        .chunk_by(|a, b| a.scenario == b.scenario)
        .flat_map(play_here)
        .collect();
    let python = python
        .join()
        .expect("the other player's own message stands above");
    let ipv6 = pocket_socket::create_server(("::1", 0)).is_ok();
    let mut differences = String::new();
    for (index, step) in steps.iter().enumerate() {
        let (here, there) = (&ours[index], python.as_ref().map(|python| &python[index]));
        let known = ipv6 || !in_ipv6_scenario(&steps, step);
        let as_expected = !known || *here == step.expected || step.expected == "(alike)";
        if !as_expected || there.is_some_and(|there| there != here) {
            let there = there.map_or("(not asked)", String::as_str);
            differences += &format!(
                "\n{}: {}\n    expected {}\n    python3  {there}\n    here     {here}\n",
                step.scenario, step.text, step.expected
            );
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

fn in_ipv6_scenario(steps: &[Step], step: &Step) -> bool {
    steps
        .iter()
        .any(|other| other.scenario == step.scenario && other.mentions_ipv6())
}

fn table() -> Vec<Step> {
    let text = std::fs::read_to_string(file("table.txt")).unwrap();
    let mut scenario = String::new();
    let mut steps = Vec::new();
    for line in text
        .lines()
        .map(|line| line.split('#').next().unwrap().trim())
    {
        if let Some(name) = line.strip_prefix("scenario ") {
            scenario = name.into();
        } else if !line.is_empty() {
            let (text, expected) = line.split_once(" => ").expect("each step says its outcome");
            let (text, expected) = (text.trim().into(), expected.trim().into());
            steps.push(Step {
                scenario: scenario.clone(),
                text,
                expected,
            });
        }
    }
    steps
}

/// In a thread of its own, so that a call that waits for ever is told by its name.
fn play_here(steps: &[Step]) -> Vec<String> {
    let texts: Vec<String> = steps.iter().map(|step| step.text.clone()).collect();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut scenario = player::Scenario::new();
        for text in texts {
            let words: Vec<&str> = text.split_whitespace().collect();
            let (names, call) = match words.iter().position(|word| *word == "=") {
                Some(at) => (&words[..at], &words[at + 1..]),
                None => (&words[..0], &words[..]),
            };
            if tell
                .send(scenario.play(names, call[0], &call[1..]))
                .is_err()
            {
                return;
            }
        }
    });
    let outcome = |step: &Step| {
        told.recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("{}: {}: no outcome", step.scenario, step.text))
    };
    steps.iter().map(outcome).collect()
}

/// `None` if there is no `python3`, which is said aloud and is a failure in CI.
fn play_in_python() -> Option<Vec<String>> {
    let python = Command::new("python3")
        .arg(file("player.py"))
        .arg(file("table.txt"))
        .stderr(Stdio::inherit())
        .output();
    let output = match python {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            skipped::skipped("python3 is not installed: compared with the table alone");
            return None;
        }
        Err(error) => panic!("python3: {error}"),
    };
    assert!(output.status.success(), "player.py: {}", output.status);
    let lines = String::from_utf8(output.stdout).unwrap();
    let outcomes = lines.lines().filter(|line| !line.starts_with("scenario "));
    Some(outcomes.map(String::from).collect())
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/same_as_python")
        .join(name)
}
