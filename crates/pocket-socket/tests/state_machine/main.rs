//! The table behind the book's widget, *the state machine*, is what the kernel does.
//!
//! The widget holds, for TCP and for Unix, all states that a server and a client can bring their
//! sockets into, and what each of the eight calls does there. Here each entry is played with real
//! sockets. `UPDATE_TABLE=1` finds the states anew, and writes them into the widget.
//!
//! Where the table ends: the client has one socket, which does not listen; the server has one accepted
//! connection at a time, and makes no new socket meanwhile; one message waits unread in each direction;
//! the backlog is 0; no socket connects to itself. On other systems much is different.
#![cfg(target_os = "linux")]

mod observe;
mod sock_diag;
mod table;
mod world;

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use observe::observe;
use table::{Outcome, State, Table};
use world::{Call, NAMES, PLACES, Patience, World, calls};

#[derive(Clone, Copy, PartialEq)]
pub enum Family {
    Tcp,
    Unix,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Tcp => "tcp",
            Family::Unix => "unix",
        })
    }
}

/// How long a state that the table names may take to show.
const SETTLES: Duration = Duration::from_secs(20);
/// A `connect` that the table says waits has this long to prove it wrong.
const WAITS: Duration = Duration::from_millis(20);

#[test]
fn every_entry_for_tcp_is_what_the_kernel_does() {
    play(Family::Tcp);
}

#[test]
fn every_entry_for_unix_is_what_the_kernel_does() {
    play(Family::Unix);
}

fn play(family: Family) {
    let folder = tempfile::tempdir().unwrap();
    if std::env::var_os("UPDATE_TABLE").is_some() {
        explore(family, folder.path()).write(family);
    }
    let table = Table::read(family);
    let mut untried = table
        .states
        .iter()
        .map(|state| state.outcomes.len())
        .collect::<Vec<_>>();
    let mut tried = vec![Vec::new(); table.states.len()];
    // A walk through the table, in a new world whenever the rest can't be reached from here.
    while untried.iter().any(|left| *left > 0) {
        let mut walk = Walk::begin(&table, family, folder.path());
        while let Some(way) = table.way(walk.at, |state| untried[state] > 0) {
            way.into_iter().for_each(|call| walk.step(call));
            let at = walk.at;
            walk.offers_what_the_table_lists();
            let call = calls()
                .find(|call| {
                    table.states[at].outcomes.contains_key(call) && !tried[at].contains(call)
                })
                .unwrap();
            tried[at].push(call);
            untried[at] -= 1;
            walk.step(call);
            if walk.spoiled {
                break;
            }
        }
    }
}

/// A world whose every step is as the table says.
struct Walk<'a> {
    table: &'a Table,
    world: World,
    at: usize,
    way: Vec<Call>,
    spoiled: bool,
}

impl Walk<'_> {
    fn begin<'a>(table: &'a Table, family: Family, folder: &Path) -> Walk<'a> {
        let world = World::new(family, folder);
        assert_eq!(observe(&world), table.states[0].seen);
        Walk {
            table,
            world,
            at: 0,
            way: Vec::new(),
            spoiled: false,
        }
    }

    fn step(&mut self, call: Call) {
        let Outcome { result, next } = &self.table.states[self.at].outcomes[&call];
        let patience = Patience(if result == "waits" { WAITS } else { SETTLES });
        let before = &self.table.states[self.at].seen;
        self.way.push(call);
        let got = self.world.call(call, patience);
        assert_eq!(
            &got,
            result,
            "{} in {before}, after {}",
            name(call),
            self.history()
        );
        self.spoiled = spoils(call, result);
        if self.spoiled || *next == self.at {
            return; // nothing has changed: the next look will show
        }
        self.at = *next;
        let expected = &self.table.states[self.at].seen;
        let limit = Instant::now() + SETTLES;
        while &observe(&self.world) != expected {
            let late = Instant::now() > limit;
            assert!(
                !late,
                "{} in {before} leads to {}, not to {expected}, after {}",
                name(call),
                observe(&self.world),
                self.history(),
            );
            std::thread::yield_now();
        }
    }

    fn offers_what_the_table_lists(&self) {
        let State { seen, outcomes } = &self.table.states[self.at];
        for call in calls() {
            let offered = self.world.offers(call);
            assert_eq!(
                outcomes.contains_key(&call),
                offered,
                "{} in {seen}",
                name(call)
            );
        }
    }

    fn history(&self) -> String {
        self.way
            .iter()
            .map(|call| name(*call))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// A `connect` that was broken off is not the socket it was; the widget takes such a call back.
fn spoils((_, name): Call, result: &str) -> bool {
    NAMES[name] == "connect" && result == "waits"
}

fn name((place, name): Call) -> String {
    format!("{}.{}()", PLACES[place], NAMES[name])
}

/// Finds all states, and what each call does there.
fn explore(family: Family, folder: &Path) -> Table {
    let mut table = Table::default();
    table.states.push(State {
        seen: observe(&World::new(family, folder)),
        ..State::default()
    });
    let mut open = vec![true]; // whether calls may be left to try
    loop {
        let Some(mut way) = table.way(0, |state| open[state]) else {
            return table;
        };
        let mut walk = Walk::begin(&table, family, folder);
        way.drain(..).for_each(|call| walk.step(call));
        let (mut world, mut at, mut history) = (walk.world, walk.at, walk.way);
        loop {
            let known = &table.states[at].outcomes;
            let Some(call) = calls().find(|call| world.offers(*call) && !known.contains_key(call))
            else {
                open[at] = false;
                break;
            };
            history.push(call);
            let result = world.call(call, Patience(WAITS));
            let spoiled = spoils(call, &result);
            let before = &table.states[at].seen;
            let seen = if spoiled {
                before.clone()
            } else {
                settled(&world)
            };
            let next = table.states.iter().position(|state| state.seen == seen);
            let next = next.unwrap_or_else(|| {
                open.push(true);
                table.states.push(State {
                    seen,
                    ..State::default()
                });
                table.states.len() - 1
            });
            table.states[at]
                .outcomes
                .insert(call, Outcome { result, next });
            at = next;
            if spoiled {
                break;
            }
        }
        eprintln!(
            "{family}: {} states, {} open",
            table.states.len(),
            open.iter().filter(|o| **o).count()
        );
        assert!(table.states.len() < 4000, "too many states");
    }
}

/// What is seen when the connection is made or not. Over loopback the kernel does all the rest before
/// a call returns, or nearly always: playing the table shows if it did.
fn settled(world: &World) -> String {
    loop {
        let seen = observe(world);
        if !seen.contains("SYN-") {
            return seen;
        }
        std::thread::yield_now();
    }
}
