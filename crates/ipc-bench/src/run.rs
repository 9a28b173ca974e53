//! The run: blocks of shuffled slices, with new processes for each block.
//!
//! How fast a process is depends on where its memory happens to be, for as long as it lives; the
//! same goes for a connection and the kernel's memory. So each block has new processes and each
//! slice new connections, and these accidents average out over the run instead of deciding it.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::case::{Case, Regime, Transport};
use crate::channel::Facts;
use crate::children::{Pair, Setup, Slice};
use crate::interrupt::{self, Interrupted};
use crate::places;
use crate::plan::Planned;
use crate::processors::Placement;
use crate::stats::Tally;

/// The raw results of the run.
#[derive(Default)]
pub struct Outcome {
    pub tallies: BTreeMap<Case, Tally>,
    pub blocks: usize,
    /// The CPUs of the asking process and of the answering one, as they reported them.
    pub cpus: BTreeMap<Regime, [Vec<usize>; 2]>,
    /// A new connection's settings, as reported by `getsockopt`.
    pub facts: BTreeMap<Transport, Facts>,
    /// The cases that could not be measured, and why.
    pub failures: BTreeMap<Case, String>,
}

pub struct Options<'a> {
    pub blocks: usize,
    /// No block is started that would not end by this time.
    pub time_limit: Duration,
    pub congestion: Option<&'a str>,
    pub placement: &'a Placement,
}

pub fn run(plan: &[Planned], options: &Options<'_>) -> anyhow::Result<Outcome> {
    let folder = places::for_sockets()?;
    let setup = Setup {
        folder: folder.path(),
        congestion: options.congestion,
    };
    let mut outcome = Outcome::default();
    let wanted = measurable(plan, options.placement, &mut outcome);
    let progress = progress_bar(options.blocks * wanted.len());

    warm_up(&setup, options.placement, &wanted)?;
    let start = Instant::now();
    for number in 0..options.blocks {
        let begun = Instant::now();
        run_block(&setup, options.placement, &wanted, &mut outcome, &progress)?;
        outcome.blocks = number + 1;
        if start.elapsed() + begun.elapsed() > options.time_limit {
            break;
        }
    }
    progress.finish_and_clear();
    Ok(outcome)
}

/// Leaves out the cases that this machine can't measure at all, and notes why.
fn measurable(plan: &[Planned], placement: &Placement, outcome: &mut Outcome) -> Vec<Planned> {
    let (can, cannot): (Vec<Planned>, Vec<Planned>) = plan
        .iter()
        .partition(|planned| placement.of(planned.case.regime).is_some());
    for planned in cannot {
        outcome
            .failures
            .insert(planned.case, "there is no second CPU to use".into());
    }
    can
}

/// Measures a few slices without recording them. A frequency governor takes a while to raise the
/// frequency, and a program that has just been built isn't in any cache.
fn warm_up(setup: &Setup<'_>, placement: &Placement, plan: &[Planned]) -> anyhow::Result<()> {
    let mut pair = Pair::start()?;
    for planned in shuffled(plan).into_iter().take(20) {
        let Some(cpus) = placement.of(planned.case.regime) else {
            continue;
        };
        if let Err(error) = pair.measure(setup, planned.case, planned.length, &cpus) {
            pass_on_interrupt(error)?;
            pair = Pair::start()?; // what cannot be measured is noted when it counts
        }
    }
    Ok(())
}

fn run_block(
    setup: &Setup<'_>,
    placement: &Placement,
    plan: &[Planned],
    outcome: &mut Outcome,
    progress: &ProgressBar,
) -> anyhow::Result<()> {
    let mut pair = Pair::start()?;
    for planned in shuffled(plan) {
        interrupt::check()?;
        progress.inc(1);
        let case = planned.case;
        let Some(cpus) = placement.of(case.regime) else {
            continue;
        };
        if outcome.failures.contains_key(&case) {
            continue;
        }
        match pair.measure(setup, case, planned.length, &cpus) {
            Ok(slice) => outcome.add(case, slice),
            Err(error) => {
                outcome
                    .failures
                    .insert(case, format!("{:#}", pass_on_interrupt(error)?));
                pair = Pair::start()?;
            }
        }
    }
    Ok(())
}

impl Outcome {
    fn add(&mut self, case: Case, slice: Slice) {
        for (measure, recording) in slice.recordings {
            let case = Case { measure, ..case };
            self.tallies
                .entry(case)
                .or_insert_with(Tally::new)
                .add(self.blocks, &recording);
        }
        self.cpus.insert(case.regime, slice.cpus);
        self.facts.entry(case.transport).or_insert(slice.facts);
    }

    /// Returns the cases that failed, each once.
    pub fn failed(&self) -> BTreeSet<(String, &str)> {
        self.failures
            .iter()
            .map(|(case, reason)| (case.to_string(), reason.as_str()))
            .collect()
    }
}

fn pass_on_interrupt(error: anyhow::Error) -> anyhow::Result<anyhow::Error> {
    // A signal to the whole group also ends the children, and then their silence is noticed first.
    interrupt::check()?;
    if error.is::<Interrupted>() {
        Err(error)
    } else {
        Ok(error)
    }
}

/// Returns the items in a different order each time.
pub fn shuffled<T: Clone>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    // Each `RandomState` hashes by keys of its own, so the same number gives a new one each time.
    items.sort_by_cached_key(|_| RandomState::new().hash_one(0));
    items
}

/// Returns a progress bar. It is drawn only on a terminal, and only between slices, so that nothing
/// runs during a measurement.
pub fn progress_bar(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("measuring {bar:40} {percent:>3} %, {eta} left")
        .expect("the template is a constant");
    ProgressBar::new(steps as u64).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffling_keeps_everything_and_changes_the_order() {
        let items: Vec<u32> = (0..100).collect();
        let mut again = shuffled(&items);
        assert_ne!(again, items);
        assert_ne!(again, shuffled(&items));
        again.sort_unstable();
        assert_eq!(again, items);
    }
}
