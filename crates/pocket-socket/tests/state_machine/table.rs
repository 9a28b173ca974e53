//! The table as the widget's file writes it.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{fs, iter};

use crate::Family;
use crate::world::{Call, NAMES, PLACES, calls};

/// The two tests share the file.
static FILE: Mutex<()> = Mutex::new(());

const NOT_OFFERED: char = '.';

/// What a call does in a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub result: String,
    pub next: usize,
}

/// A state, and what each call does in it that is offered.
#[derive(Default)]
pub struct State {
    pub seen: String,
    pub outcomes: HashMap<Call, Outcome>,
}

#[derive(Default)]
pub struct Table {
    pub states: Vec<State>,
}

impl Table {
    /// The shortest way from one state to one that `wanted` takes.
    pub fn way(&self, from: usize, wanted: impl Fn(usize) -> bool) -> Option<Vec<Call>> {
        let mut before = HashMap::from([(from, None)]);
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            if wanted(at) {
                let steps = iter::successors(before[&at], |(state, _)| before[state]);
                let mut way = steps.map(|(_, call)| call).collect::<Vec<_>>();
                way.reverse();
                return Some(way);
            }
            for call in calls() {
                if let Some(outcome) = self.states[at].outcomes.get(&call)
                    && !before.contains_key(&outcome.next)
                {
                    before.insert(outcome.next, Some((at, call)));
                    queue.push_back(outcome.next);
                }
            }
        }
        None
    }

    pub fn read(family: Family) -> Table {
        let _lock = FILE.lock().unwrap();
        let text = fs::read_to_string(widget()).unwrap();
        let (_, results) = text.split_once("const RESULTS = \"").unwrap();
        let (results, _) = results.split_once('"').unwrap();
        let results = results.split(' ').collect::<Vec<_>>();
        let (start, end) = marks(family);
        let (_, rest) = text.split_once(&start).unwrap();
        let (lines, _) = rest.split_once(&end).unwrap();
        let lines = lines
            .lines()
            .filter_map(|line| line.trim().strip_prefix('"'));
        let lines = lines.enumerate().map(|(number, line)| {
            let line = line.strip_suffix("\",").unwrap();
            parse(number, line, &results)
        });
        Table {
            states: lines.collect(),
        }
    }

    /// Puts the table into the widget's file.
    pub fn write(&self, family: Family) {
        let _lock = FILE.lock().unwrap();
        let text = fs::read_to_string(widget()).unwrap();
        let (start, end) = marks(family);
        let (before, rest) = text.split_once(&start).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        let (_, results) = text.split_once("const RESULTS = \"").unwrap();
        let results = results
            .split_once('"')
            .unwrap()
            .0
            .split(' ')
            .collect::<Vec<_>>();
        let lines = self.states.iter().enumerate();
        let lines =
            lines.map(|(number, state)| format!("    \"{}\",\n", line(number, state, &results)));
        let lines = lines.collect::<String>();
        fs::write(widget(), format!("{before}{start}{lines}    {end}{after}")).unwrap();
    }
}

fn marks(family: Family) -> (String, String) {
    (format!("// TABLE {family}\n"), format!("// END {family}\n"))
}

fn parse(number: usize, line: &str, results: &[&str]) -> State {
    let mut parts = line.split(';');
    let seen = parts.next().unwrap().to_owned();
    let letters = parts.next().unwrap().chars().collect::<Vec<_>>();
    assert_eq!(letters.len(), PLACES.len() * NAMES.len(), "{line}");
    let moves = parts
        .next()
        .unwrap()
        .split(' ')
        .filter(|part| !part.is_empty());
    let moves = moves.map(|part| {
        let (letter, next) = part.split_at(1);
        (letter.chars().next().unwrap(), next.parse().unwrap())
    });
    let moves = moves.collect::<HashMap<char, usize>>();
    let offered = calls()
        .enumerate()
        .filter(|(at, _)| letters[*at] != NOT_OFFERED);
    let outcomes = offered.map(|(at, call)| {
        let outcome = Outcome {
            result: results[place_of(letters[at])].to_owned(),
            next: moves.get(&letter(at)).copied().unwrap_or(number),
        };
        (call, outcome)
    });
    State {
        seen,
        outcomes: outcomes.collect(),
    }
}

fn line(number: usize, state: &State, results: &[&str]) -> String {
    let known = |result: &str| {
        let at = results.iter().position(|known| *known == result);
        letter(at.unwrap_or_else(|| panic!("RESULTS lacks {result}")))
    };
    let outcomes = calls().map(|call| state.outcomes.get(&call));
    let outcomes = outcomes.collect::<Vec<_>>();
    let letters = outcomes
        .iter()
        .map(|outcome| outcome.map_or(NOT_OFFERED, |outcome| known(&outcome.result)))
        .collect::<String>();
    let moves = outcomes.iter().enumerate().filter_map(|(at, outcome)| {
        let next = outcome.as_ref()?.next;
        (next != number).then(|| format!("{}{next}", letter(at)))
    });
    let moves = moves.collect::<Vec<_>>().join(" ");
    format!("{};{letters};{moves}", state.seen)
}

fn letter(number: usize) -> char {
    char::from(b'a' + u8::try_from(number).unwrap())
}

fn place_of(letter: char) -> usize {
    letter as usize - 'a' as usize
}

fn widget() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/widgets/state-machine.js")
}
